"""TorchScript programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from roadworthy.errors import RoadworthyError
from roadworthy.models.base import Network
from roadworthy.models.exported.files import program_file
from roadworthy.models.exported.pieces import Sealed
from roadworthy.models.user_code import last_words


def script(path: str) -> Network:
    """Return the network in a TorchScript file; the provider `torchscript` documents it."""
    file, content = program_file(path, kind="torchscript", example="FILE.pt")
    loaded = _loaded(file)
    dtype = next((p.dtype for p in loaded.parameters() if p.is_floating_point()), torch.float32)
    module = Sealed(loaded, name=file.name, declared=False, dtype=dtype)
    return Network(name=f"torchscript/{file.stem}", module=module, source=content, sealed=True)


def _loaded(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is not developed any further
            load: Any = torch.jit.load
            return load(str(file), map_location="cpu").eval()
    except Exception as error:  # torch raises many types on what is no program
        raise RoadworthyError(
            f"'{file}' is no TorchScript program that torch {torch.__version__} can load: "
            f"{last_words(error)[:200]}; write it with torch.jit.save, or name the network itself "
            "and its weights: torch:FILE.py:FACTORY(checkpoint=…)"
        ) from None
