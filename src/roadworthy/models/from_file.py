"""Make a network by a factory in a user's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean
from roadworthy.models import user_code
from roadworthy.models.base import Network
from roadworthy.models.keys import load_weights
from roadworthy.models.statistics import statistics
from roadworthy.spec import Spec

MAX_SOURCE = 10 * 2**20
"""Bytes of Python that are read as a user's file."""


def network(path: str, *, checkpoint: str | None, arguments: Mapping[str, Any]) -> Network:
    """Return the network that ``FILE.py:FACTORY`` makes; the provider `torch` documents it."""
    file, name = _file_and_name(path)
    source = _source(file)
    factory = user_code.callable_of(user_code.run_file(file), name, file)
    plain = {k: _plain(v) for k, v in arguments.items()}
    made = factory
    if not (isinstance(factory, nn.Module) and not plain):
        user_code.check_arguments(factory, plain, name)
        with user_code.guarded(file), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made = factory(**plain)
    if not isinstance(made, nn.Module):
        raise RoadworthyError(
            f"'{name}' of '{file}' returned {type(made).__name__}, expected a torch.nn.Module"
        )
    notes = (f"{file.name}:{name}: no checkpoint given, weights as the file makes them",)
    if checkpoint is not None:
        notes = load_weights(made, Path(checkpoint).expanduser())  # type: ignore[assignment]
    return Network(name=f"torch/{name}", module=made, source=source, notes=notes)


def with_statistics(network: Network, *, mean: Any, std: Any, offset: int | None) -> Network:
    """Return ``network`` with its normalisation and class offset, checked."""
    shift, scale = statistics(mean, std)
    return replace(network, mean=shift, std=scale, offset=offset)


def _file_and_name(path: str) -> tuple[Path, str]:
    text, _, name = path.rpartition(":")
    if not text or not name.isidentifier():
        raise UsageError(f"'torch:{path}' names no factory; expected torch:FILE.py:FACTORY")
    return Path(text).expanduser(), name


def _source(file: Path) -> str:
    if file.is_dir() or file.suffix != ".py":
        raise UsageError(f"'{file}' is not a Python file; expected torch:FILE.py:FACTORY")
    try:
        if file.stat().st_size > MAX_SOURCE:
            raise UsageError(f"'{file}' is larger than {MAX_SOURCE} bytes: is it Python?")
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        folder = file.parent
        near = did_you_mean(file.name, [p.name for p in folder.glob("*.py")])
        raise UsageError(f"there is no file '{file}'{near}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"'{file}' cannot be read as UTF-8 text: {error}") from None


def _plain(value: Any) -> Any:
    """Return a spec value as Python code expects it: fractions as floats, barewords as text."""
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, Spec):
        return str(value)
    return tuple(_plain(v) for v in value) if isinstance(value, tuple) else value
