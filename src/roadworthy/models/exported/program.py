"""Programs that torch.export wrote."""

from __future__ import annotations

import io
import json
import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from roadworthy.errors import RoadworthyError
from roadworthy.models.base import Network
from roadworthy.models.checkpoint import check_archive
from roadworthy.models.exported.files import program_file
from roadworthy.models.exported.frames import pipeline_for
from roadworthy.models.exported.pieces import Sealed, at_a_time
from roadworthy.models.user_code import last_words

PICKLED = ("custom_obj", "opaque")
"""How constants are called that torch would unpickle."""


def program(path: str) -> Network:
    """Return the network in a file of torch.export; the provider `torch_export` documents it."""
    file, content = program_file(path, kind="torch_export", example="FILE.pt2")
    loaded = _loaded(file)
    shape, dtype = _input(loaded, file)
    batch = shape[0] if isinstance(shape[0], int) else None
    module = Sealed(loaded.module(), name=file.name, batch=batch, dtype=dtype)
    notes = () if batch is None else (at_a_time(file.name, batch),)
    return Network(
        name=f"torch_export/{file.stem}",
        module=module,
        pipeline=pipeline_for(shape[2], shape[3]),
        source=content,
        sealed=True,
        notes=notes,
    )


def _loaded(file: Path) -> Any:
    _check(file)
    quiet = logging.getLogger("torch.export"), logging.getLogger("torch._export")
    levels = [log.level for log in quiet]
    try:
        for log in quiet:
            log.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(file)
    except Exception as error:  # torch raises many types on damaged files
        raise RoadworthyError(
            f"'{file}' is no program that torch.export of torch {torch.__version__} can load: "
            f"{last_words(error)[:200]}; export it again with torch.export.save"
        ) from None
    finally:
        for log, level in zip(quiet, levels, strict=True):
            log.setLevel(level)


def _check(file: Path) -> None:
    """Refuse whatever torch would unpickle: pickles can run code when they are loaded."""
    if not zipfile.is_zipfile(file):
        raise RoadworthyError(f"'{file}' is damaged, or no file of torch.export.save (.pt2)")
    check_archive(file)
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            texts = [json.loads(archive.read(n)) for n in names if n.endswith("_config.json")]
            inputs = [archive.read(n) for n in names if "/data/sample_inputs/" in n]
    except (ValueError, zipfile.BadZipFile, OSError) as error:
        raise RoadworthyError(
            f"'{file}' is damaged: {last_words(error)}; export it again"
        ) from None
    entries = {k: v for text in texts for k, v in dict(text.get("config", text)).items()}
    if any("/code/" in name for name in names):
        raise RoadworthyError(f"'{file}' is a TorchScript program: name it as torchscript:{file}")
    if not texts or any(_pickled(name, entry) for name, entry in entries.items()):
        raise _refused(file)
    for data in inputs:
        try:
            torch.load(io.BytesIO(data), weights_only=True)
        except Exception:  # torch's refusal has many types
            raise _refused(file) from None


def _pickled(name: str, entry: Any) -> bool:
    if not isinstance(entry, dict):
        return True
    path = str(entry.get("path_name", ""))
    return bool(entry.get("use_pickle")) or any(w in text for w in PICKLED for text in (name, path))


def _refused(file: Path) -> RoadworthyError:
    return RoadworthyError(
        f"'{file}' was refused: it is in an old format of torch.export, or holds pickled Python "
        "objects, which could run code when loaded; nothing in it was run. Export it again, with "
        "tensors only, with torch.export.save"
    )


def _input(loaded: Any, file: Path) -> tuple[tuple[Any, ...], torch.dtype]:
    """Return shape and type of the one image input; dimensions that are free are no integers."""
    wanted = set(loaded.graph_signature.user_inputs)
    found = [
        n.meta["val"] for n in loaded.graph.nodes if n.op == "placeholder" and n.name in wanted
    ]
    tensors = [value for value in found if isinstance(value, torch.Tensor)]
    if len(found) != 1 or len(tensors) != 1 or tensors[0].ndim != 4:
        shapes = ", ".join(str(tuple(t.shape)) for t in tensors) or "none"
        raise RoadworthyError(
            f"'{file}' takes {len(found)} inputs ({shapes}), expected one batch of images (N, 3, H, W)"
        )
    return tuple(tensors[0].shape), tensors[0].dtype
