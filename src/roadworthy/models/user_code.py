"""Run a Python file that the user's spec names, and call one function of it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean
from roadworthy.seed import digest

OURS = (
    "checkpoint", "mean", "std", "offset", "stochastic", "size", "crop", "resize", "geometry",
    "decoder", "orient", "profile", "yuv", "light", "colour", "family", "training", "pretraining",
)  # fmt: skip
"""What every model from a file takes besides its factory's own keywords; a test compares."""


def last_words(error: BaseException) -> str:
    """Return ``Type: message`` of an error on one line, after ``file:line: `` if it is user code's.

    The place is the innermost one that is neither ours nor in an installed package.
    """
    message = str(error).strip().partition("\n")[0].rstrip(".")
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    places = [f for f in traceback.extract_tb(error.__traceback__) if _is_users(f.filename)]
    return f"{places[-1].filename}:{places[-1].lineno}: {text}" if places else text


def _is_users(filename: str) -> bool:
    path = Path(filename)
    places = [sysconfig.get_path(k) for k in ("stdlib", "platstdlib", "purelib", "platlib")]
    others = [Path(__file__).parents[1], *(Path(place) for place in places)]
    return path.is_absolute() and not any(path.is_relative_to(other) for other in others)


def run_file(file: Path) -> ModuleType:
    """Run the Python file ``file`` as a module of its own; raises RoadworthyError if it fails.

    Its name cannot collide with an installed module, nothing is written next to it, and modules
    beside it can be imported by it, after everything that is installed.
    """
    file = file.resolve()
    name = f"_roadworthy_user_{digest(file)}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"'{file}' is not a Python file; expected torch:FILE.py:FACTORY")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look the module up by name
    try:
        with guarded(file):
            spec.loader.exec_module(module)
    except RoadworthyError:
        del sys.modules[name]
        raise
    return module


@contextmanager
def guarded(file: Path) -> Iterator[None]:
    """Turn whatever code of ``file`` raises into a RoadworthyError; write no bytecode meanwhile."""
    folder = str(file.resolve().parent)
    quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.append(folder)
    try:
        yield
    except (Exception, SystemExit) as error:
        raise RoadworthyError(f"'{file.name}' failed: {last_words(error)}") from None
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = quiet


def callable_of(module: ModuleType, name: str, file: Path) -> Callable[..., Any]:
    """Return the callable ``name`` of a user's module; raises UsageError with the nearest name."""
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    known = sorted(
        k
        for k, v in vars(module).items()
        if callable(v) and not k.startswith("_") and getattr(v, "__module__", "") == module.__name__
    )
    listed = f" (it has {', '.join(known[:8])})" if known else ""
    raise UsageError(f"'{file}' defines no '{name}'{did_you_mean(name, known)}{listed}")


def check_arguments(factory: Callable[..., Any], given: Mapping[str, Any], name: str) -> None:
    """Raise UsageError unless ``factory`` can be called with exactly the keywords ``given``."""
    try:
        declared = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # builtins and some extension types have none
        return
    keywords = {
        k for k, p in declared.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    }
    if not any(p.kind is p.VAR_KEYWORD for p in declared.values()):
        for key in given:
            if key not in keywords:
                known = sorted({*keywords, *OURS})
                raise UsageError(
                    f"'{name}' takes no '{key}'{did_you_mean(key, known)} "
                    f"(a model from a file takes {', '.join(known)})"
                )
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    missing = [
        k
        for k, p in declared.items()
        if p.default is p.empty and p.kind not in variadic and k not in given
    ]
    if missing:
        raise UsageError(f"'{name}' needs {', '.join(missing)}: give {missing[0]}=… in the spec")
