"""Optional libraries: found by import, and named with their pip extra where they are missing."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from roadworthy.errors import MissingPackageError
from roadworthy.pipeline.stages import Stage


def require(stage: Stage) -> None:
    """Raise MissingPackageError, a UsageError, if the module that ``stage`` needs cannot be imported."""
    reason = _missing(stage.needs) if stage.needs else ""
    if reason:
        kind = type(stage).__name__.lower()
        raise MissingPackageError(
            f"the {kind} '{stage.name}' needs the package {stage.needs} ({reason}): "
            f"pip install 'roadworthy[{stage.extra}]'"
        )


@cache
def _missing(module: str) -> str:
    """Return why ``module`` cannot be imported, or an empty text."""
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        return "not installed" if error.name == module else f"needs {error.name} itself"
    except Exception as error:  # a wheel that does not fit this machine raises whatever it likes
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""
