"""The batch size of a folder: looked for once, then the same for every worker and every later run."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from roadworthy.engine.batch import Batches, key_of, kind
from roadworthy.engine.cost import BACKWARD_COST, passes
from roadworthy.engine.options import Options
from roadworthy.engine.plan import Cell, Plan
from roadworthy.engine.store import Store
from roadworthy.seed import digest

FEW_PASSES = 20_000
"""Below so many forward passes of one image, looking for a better size costs more than it brings."""

LARGEST = 4096
FOLDER = "batch_sizes"


def batches(store: Store, options: Options) -> Batches:
    """Return the sizes that hold in the folder of ``store``."""
    auto = options.batch_size == "auto"
    settled = remembered(store.folder) if auto else {}
    return Batches(settled, options.forward_batch, kind(options.device), whole_attacks=auto)


def settle(plan: Plan, store: Store, options: Options) -> None:
    """Look for the fastest batch size of each (model, frame, precision) not settled yet.

    What is found is kept in the folder and never changes there: float32 results depend on the size
    of the batch in their last bits, so that every worker and every later run must use the same.
    """
    if options.batch_size != "auto":
        return
    known, cells = remembered(store.folder), dict[str, list[Cell]]()
    for cell in plan.cells:
        cells.setdefault(key_of(cell, kind(options.device)), []).append(cell)
    for key, members in cells.items():
        work = sum(_passes(cell) for cell in members)
        if key in known or work < FEW_PASSES:
            continue
        from roadworthy.engine.fastest import fastest

        _remember(store, key, fastest(members[0], options.device, passes=work))


def remembered(folder: Path) -> dict[str, int]:
    """Return the settled sizes of a folder; files that are damaged count as not there."""
    found = {}
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            with path.open(encoding="utf-8") as file:
                entry = json.loads(file.read(1 << 16))
            key, size = entry["key"], entry["size"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(key, str) and type(size) is int and 1 <= size <= LARGEST:
            found[key] = size
    return found


def _remember(store: Store, key: str, size: int) -> None:
    """Keep a size unless somebody else has settled one in the meantime: the first one stays."""
    path = store.folder / FOLDER / f"{digest(key)}.json"
    if path.exists() and key not in remembered(store.folder):
        path.unlink(missing_ok=True)  # damaged
    mine = f"{FOLDER}/.{uuid.uuid4().hex}"
    written = store.write_json(mine, {"key": key, "size": size})
    try:
        os.link(written, path)  # unlike a rename, a link never replaces
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        store.write_json(f"{FOLDER}/{path.name}", {"key": key, "size": size})
    finally:
        written.unlink(missing_ok=True)


def _passes(cell: Cell) -> int:
    forwards, backwards = passes(cell)
    return len(cell.source.samples) * int(forwards + BACKWARD_COST * backwards)
