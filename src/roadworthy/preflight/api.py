"""The preflight of pipelines from Python: what the command line does, on texts or live objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roadworthy.models.check.report import Report
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.report import Preflight
from roadworthy.spec import Spec
from roadworthy.types import Classifier, Dataset

LIMIT = 300


def identify(pipeline: str | Spec | Any) -> Identity:
    """Return what a pipeline does, part by part, without a model and without data.

    ``pipeline`` is a spec (``python:FILE.py:FUNCTION``, ``huggingface:FOLDER``, ``timm/NAME``,
    ``torchvision/NAME``, ``dump:FOLDER``, ``pipeline(…)``) or a live object: a callable of encoded
    bytes, a transform of Pillow pictures, arrays or tensors, an image processor. Raises UsageError
    where it names nothing or makes no picture of a plain PNG; everything else is in the result.
    """
    from roadworthy.preflight.identify import identity_of
    from roadworthy.preflight.load import load_pipeline

    return identity_of(load_pipeline(pipeline))


def check(
    model: str | Spec | Classifier | None = None,
    data: str | Spec | Dataset | None = None,
    *,
    deployment: str | Spec | Any = None,
    training: str | Spec | Any = None,
    limit: int = LIMIT,
    device: str = "cpu",
) -> Report | Preflight:
    """Return what a preflight finds: of a model on data, of a deployment's pipeline, or of both.

    Without ``deployment`` this is `roadworthy.models.check.check`. ``deployment`` and ``training``
    are pipelines as `identify` takes them; it alone is identified. Raises UsageError where what is
    given is not enough or names nothing; everything else that is wrong is in the result.
    """
    from roadworthy.errors import UsageError
    from roadworthy.models.check import check as examine
    from roadworthy.preflight.manifest import manifest

    if (model is None) != (data is None):
        raise UsageError("a model is examined on data: give both, -m MODEL and -d DATA")
    if deployment is None and training is not None:
        raise UsageError("training's pipeline is compared with one: give --deployment as well")
    if deployment is None and model is None:
        raise UsageError("give -m MODEL and -d DATA, or --deployment PIPELINE, or all three")
    found = (
        None if model is None or data is None else examine(model, data, limit=limit, device=device)
    )
    if deployment is None:
        assert found is not None
        return found
    trained = None if training is None else identify(training)
    return Preflight(identify(deployment), trained, found, manifest())


def write_probes(folder: str | Path) -> str:
    """Write all probes into ``folder`` for a device, and return in words what to do with them.

    Raises RoadworthyError where they cannot be written.
    """
    from roadworthy.preflight import written

    count = written.write_probes(Path(folder))
    return (
        f"{count} files in {folder}: let the device preprocess each NAME.png and NAME.jpg as in "
        f"production and save the tensor that its network would get as NAME.npy (numpy.save), all in "
        f"one folder with {written.MANIFEST}; then roadworthy check --deployment dump:FOLDER"
    )
