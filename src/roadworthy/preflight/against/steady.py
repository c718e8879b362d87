"""An artefact that answers the same batch in two ways cannot be compared with another one."""

from __future__ import annotations

from typing import Any

from roadworthy.engine.forward import forward
from roadworthy.errors import UsageError
from roadworthy.models.check.steady import REPEAT_TOLERANCE, relative
from roadworthy.types import Classifier


def check_steady(model: Classifier, x: Any, *, name: str) -> None:
    """Raise UsageError unless ``model`` says the same of the batch ``x`` twice."""
    first, again = (forward(model, x, name=name) for _ in range(2))
    off = relative(first, again)
    if off > REPEAT_TOLERANCE:
        flips = int((first.argmax(axis=1) != again.argmax(axis=1)).sum())
        raise UsageError(
            f"'{name}' is random: asked twice about {len(x)} images its logits differ by {off:.1e} of "
            f"their spread and {flips} predictions change, so that its difference from another "
            "artefact cannot be told from its own noise; put it in eval mode, or leave "
            "stochastic=true out"
        )
