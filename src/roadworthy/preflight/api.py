"""The preflight of pipelines from Python: what the command line does, on texts or live objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.models.check.report import Report
from roadworthy.preflight.against.report import Artefacts
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.production.report import Production
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
    against: str | Spec | Classifier | None = None,
    deployment: str | Spec | Any = None,
    training: str | Spec | Any = None,
    unlabelled: bool = False,
    reference: str | Spec | Dataset | None = None,
    max_drop: float | None = None,
    limit: int = LIMIT,
    device: str = "cpu",
) -> Report | Preflight | Artefacts | Production:
    """Return what a preflight finds: of a model, of a deployment's pipeline, of two artefacts.

    ``deployment`` and ``training`` are pipelines as `identify` takes them; training's is by default
    what the card of ``model`` says. Without ``deployment`` this is `roadworthy.models.check.check`;
    with it alone, that pipeline is identified; with ``training`` or ``model`` both are compared,
    stage by stage; with ``data`` every difference is priced on its first ``limit`` images, and
    ``max_drop`` is a limit on the whole, in points. Raises UsageError where what is given is not
    enough or names nothing; everything else that is wrong is in the result.

    ``against`` is another artefact of ``model``: a quantised or an exported one, or another number
    format. Both answer the same tensors, then the same files, each read as its card says, or as
    ``training`` (the first) and ``deployment`` (the second) do. Without ``data`` that is done on
    pictures drawn by the package. Artefacts with other classes and random ones raise UsageError.

    An ``unlabelled`` folder needs no class folders; labels of whatever data count for nothing.
    With neither ``against`` nor ``deployment`` the result says what the images look like, how many
    predictions change under systematic noise, and, beside ``reference``, whether the model's
    confidence has drifted and which corruption comes nearest.
    """
    _check_unlabelled(
        data,
        reference,
        max_drop,
        unlabelled=unlabelled,
        alone=against is None and deployment is None,
    )
    _check_arguments(model, data, deployment, training, max_drop, against)
    if limit < 1:
        raise UsageError(f"limit must be at least 1, not {limit}")
    if unlabelled and data is not None:
        from roadworthy.preflight.production.opened import open_unlabelled

        data = open_unlabelled(data)
    if against is not None:
        from roadworthy.preflight.against.examine import examined as compared

        assert model is not None
        return compared(
            model,
            against,
            data,
            training=training,
            deployment=deployment,
            labelled=not unlabelled,
            max_drop=max_drop,
            limit=limit,
            device=device,
        )
    if deployment is None and unlabelled:
        from roadworthy.preflight.production.examine import examined as produced

        assert model is not None
        assert data is not None
        return produced(model, data, reference=reference, limit=limit, device=device)
    if deployment is None:
        from roadworthy.models.check import check as examine

        assert model is not None
        assert data is not None
        return examine(model, data, limit=limit, device=device)
    from roadworthy.preflight.examine import examined

    return examined(
        deployment,
        training=training,
        model=model,
        data=data,
        labelled=not unlabelled,
        max_drop=max_drop,
        limit=limit,
        device=device,
    )


def _check_arguments(
    model: Any, data: Any, deployment: Any, training: Any, limit: Any, against: Any
) -> None:
    if against is not None:
        if model is None:
            raise UsageError("--against is another artefact of a model: give that as -m MODEL")
    elif deployment is None:
        if training is not None:
            raise UsageError("there is nothing to compare training with: give --deployment as well")
        if limit is not None:
            raise UsageError(
                "--max-drop is a limit on what a deployment or another artefact costs a model: give "
                "-m MODEL and -d DATA, with --deployment PIPELINE or --against OTHER"
            )
        if model is None and data is None:
            raise UsageError("give -m MODEL and -d DATA, or --deployment PIPELINE, or all three")
        if model is None or data is None:
            raise UsageError("a model is examined on data: give both, -m MODEL and -d DATA")
    if data is not None and model is None:
        raise UsageError("images have no price without a model: give -m MODEL as well")
    if limit is not None:
        if data is None:
            raise UsageError("a drop is measured with a model on data: give -m MODEL and -d DATA")
        if not 0 <= limit <= 100:
            raise UsageError(f"--max-drop is in points of accuracy, 0 to 100, not {limit:g}")


def _check_unlabelled(
    data: Any, reference: Any, limit: Any, *, unlabelled: bool, alone: bool
) -> None:
    if reference is not None and not (unlabelled and alone):
        raise UsageError(
            "--reference is what production is compared with: give --unlabelled -d DATA"
        )
    if unlabelled and data is None:
        raise UsageError("--unlabelled is about images: give -m MODEL and -d DATA")
    if unlabelled and alone and limit is not None:
        raise UsageError(
            "without labels there is no drop; changed predictions bound it where there is "
            "something to compare with: give --against or --deployment as well"
        )


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
