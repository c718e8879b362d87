"""roadworthy: how does an image classifier fail once it leaves the lab?

The public page: everything here is imported when first used, so that ``import roadworthy`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadworthy.comparing.api import compare
    from roadworthy.data.registry import open_data as open
    from roadworthy.errors import RoadworthyError, SampleError, UsageError
    from roadworthy.evaluation import evaluate
    from roadworthy.exporting.api import export
    from roadworthy.gating.api import gate
    from roadworthy.making.api import make
    from roadworthy.models.bpda import bpda
    from roadworthy.models.load import load
    from roadworthy.models.wrap import wrap
    from roadworthy.preflight.api import check, identify
    from roadworthy.run import Run
    from roadworthy.spec import Spec, parse

__version__ = "0.1.0"

_HOME = {
    "RoadworthyError": "errors:RoadworthyError",
    "Run": "run:Run",
    "SampleError": "errors:SampleError",
    "Spec": "spec:Spec",
    "UsageError": "errors:UsageError",
    "bpda": "models.bpda:bpda",
    "check": "preflight.api:check",
    "compare": "comparing.api:compare",
    "evaluate": "evaluation:evaluate",
    "export": "exporting.api:export",
    "gate": "gating.api:gate",
    "identify": "preflight.api:identify",
    "load": "models.load:load",
    "make": "making.api:make",
    "open": "data.registry:open_data",
    "parse": "spec:parse",
    "wrap": "models.wrap:wrap",
}

__all__ = [
    "RoadworthyError",
    "Run",
    "SampleError",
    "Spec",
    "UsageError",
    "__version__",
    "bpda",
    "check",
    "compare",
    "evaluate",
    "export",
    "gate",
    "identify",
    "load",
    "make",
    "open",
    "parse",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'roadworthy' has no attribute '{name}'")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(f"roadworthy.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
