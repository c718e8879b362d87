"""Sets of subsets that a model makes: found and judged by a run in the folder, then written as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import polars as pl

from roadworthy.engine.files import write_whole
from roadworthy.engine.options import Options
from roadworthy.engine.store import Store
from roadworthy.errors import RoadworthyError, UsageError, did_you_mean
from roadworthy.evaluation import Prepared, carry_out, prepare
from roadworthy.making.folder import begin
from roadworthy.making.made import Control, Made
from roadworthy.making.manifest import Manifest
from roadworthy.making.subset_sets import Set, sets_of
from roadworthy.making.subset_writer import Writer
from roadworthy.run import Run
from roadworthy.spec import Spec, parse
from roadworthy.stress import masks
from roadworthy.stress.bound import Stress, stress

if TYPE_CHECKING:
    from roadworthy.engine.live import Watcher
    from roadworthy.types import Classifier, Dataset

RUN, LEFT_OUT = "run", "left_out.jsonl"
STORES = ("png", "npy")


def make_subsets(
    stresses: Sequence[Stress],
    dataset: Dataset,
    folder: Path,
    *,
    model: str | Classifier | None,
    control: str | None,
    store: str,
    limit: int | None,
    seed: int,
    device: str,
    report: Callable[[int], None],
    watcher: Watcher | None,
) -> Made:
    """Have ``model`` rank the pixels of ``dataset`` and write what ``stresses`` cut out of it.

    The run that finds and judges the subsets is kept in ``run`` inside the folder, so that whoever is
    interrupted goes on. Raises UsageError for what cannot be made, and RoadworthyError where there is
    nothing to write.
    """
    if model is None:
        raise UsageError(
            f"'{stresses[0].spec}': which pixels suffice is for a model to say, and none is given; name "
            "one with -m, such as -m demo/efficientnet_lite0"
        )
    if control is not None and control not in get_args(Control):
        raise UsageError(
            f"control is {' or '.join(get_args(Control))}, not '{control}'"
            f"{did_you_mean(control, get_args(Control))}"
        )
    if store not in STORES:
        raise UsageError(
            f"single pixels are lost in {store}; keep subsets as {' or '.join(STORES)}"
        )
    wanted = [_wanted(one, control) for one in stresses]
    options = Options(limit=limit, seed=seed, device=device)
    prepared = prepare([model], dataset, wanted, options)
    sets = sets_of(prepared.plan.cells, store)
    judge = prepared.judges[0]
    request = {
        "data": dataset.spec,
        "seed": seed,
        "model": judge.spec,
        "fingerprint": judge.model.id,
    }
    begin(folder, request, {one.folder: one.about for one in sets.values()})
    run = carry_out(prepared, Store.create(folder / RUN), watcher=watcher)
    return _written(run, prepared, folder, sets, report)


def _wanted(one: Stress, control: str | None) -> Stress:
    """Return a stress with no control but the one that is asked for, of which one draw will do."""
    spec = parse(one.spec)
    given = dict(spec.params)
    if "controls" in given:
        raise UsageError(
            f"'{one.spec}': `make` writes subsets, and with --control random_subset random ones of "
            "the same sizes; leave out controls"
        )
    for mask in {str(s.arguments["mask"]): s.arguments["mask"] for s in one.settings}.values():
        if masks.one(mask).definition.drops:
            raise UsageError(
                f"'{one.spec}': the mask {mask} shows a model less of a picture, and there is no "
                "picture of that; give another mask, such as mean"
            )
    given |= {"controls": () if control is None else (control,), "draws": 1, "deletion": 0}
    return stress(Spec(spec.name, spec.args, tuple(given.items())))


def _written(
    run: Run,
    prepared: Prepared,
    folder: Path,
    sets: Mapping[tuple[str, str], Set],
    report: Callable[[int], None],
) -> Made:
    rows = run.rows().filter(pl.col("stress").is_in([spec for spec, _ in sets]))
    manifest = Manifest(folder)
    writer = Writer(run, prepared, folder, manifest, report)
    for (spec, variant), one in sets.items():
        own = rows.filter((pl.col("stress") == spec) & (pl.col("variant") == variant))
        writer.write(one, own.filter(pl.col("kept").is_not_null()))
    failed = rows.filter(pl.col("status") == "failed")
    failures = dict(failed.select("sample", "reason").iter_rows()) | writer.failures
    without = rows.filter((pl.col("status") != "failed") & pl.col("kept").is_null())
    lines = without.sort("stress", "variant", "sample").select(
        "sample", "stress", "variant", "reason"
    )
    text = "".join(
        f"{json.dumps(row, ensure_ascii=False)}\n" for row in lines.iter_rows(named=True)
    )
    write_whole(folder / LEFT_OUT, text.encode())
    manifest.close(failures)
    if not writer.written and not writer.kept:
        reasons = [*failures.values(), *lines["reason"]]
        raise RoadworthyError(
            f"no image of '{prepared.datasets[0].spec}' has a subset: {next(iter(reasons), 'it is empty')}"
        )
    left_out = dict(lines.select("sample", "reason").iter_rows())
    return replace(Made(folder, writer.written, writer.kept, failures), left_out=left_out)
