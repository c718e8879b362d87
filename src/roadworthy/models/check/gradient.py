"""Does a gradient reach the input?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import RoadworthyError
from roadworthy.models.check.evidence import Evidence, NotPossibleError
from roadworthy.models.check.report import Finding
from roadworthy.models.gradient import Loss, value_and_gradient
from roadworthy.models.user_code import last_words
from roadworthy.types import Need

IMAGES = 16
REMEDY = (
    "gradient attacks would report a robustness that is not there; look for rounding, detach, "
    "no_grad or saturated layers, or use black-box attacks"
)


def gradient(evidence: Evidence) -> Finding:
    """Take the gradient of the cross-entropy of the predicted class at real images."""
    if Need.GRADIENT not in evidence.model.gives:
        raise NotPossibleError("the model gives no gradient; gradient attacks will not run on it")
    x = evidence.input(0, IMAGES)
    y = torch.from_numpy(evidence.outputs[: len(x)].argmax(axis=1)).to(x.device)
    size = _size(evidence, cross_entropy, x, y)
    broken = int((~size.isfinite()).sum())
    if broken:
        sentence = f"NaN or infinite at {broken} of {len(x)} images"
        return Finding("gradient", "failed", sentence, "look for square roots or logarithms of 0")
    zero = int((size == 0).sum())
    if not zero:
        low, high = float(size.min()), float(size.max())
        sentence = f"present at all {len(x)} images, largest entry {low:.1e} to {high:.1e}"
        return Finding("gradient", "ok", sentence)
    return _vanishing(zero, int((_size(evidence, margin, x, y) == 0).sum()), len(x))


def cross_entropy(logits: Tensor, y: Any) -> Tensor:
    """Return the cross-entropy of each image, (N,)."""
    return functional.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, _y: Any) -> Tensor:
    """Return the lead of the first class over the second, (N,): it does not saturate."""
    top = logits.topk(min(2, logits.shape[1]), dim=1).values
    return top[:, 0] - top[:, -1] if logits.shape[1] > 1 else top[:, 0]


def _size(evidence: Evidence, loss: Loss, x: Tensor, y: Tensor) -> Tensor:
    """Return the largest entry of the gradient at each image, (N,)."""
    try:
        _, _, slope = value_and_gradient(evidence.model, loss, x, y)
    except RoadworthyError:
        raise
    except Exception as error:  # whatever a network raises in its backward pass
        raise RoadworthyError(f"taking a gradient failed: {last_words(error)}") from None
    return slope.flatten(1).abs().amax(dim=1)


def _vanishing(zero: int, dead: int, count: int) -> Finding:
    """Tell a loss that saturates, since the network is very sure, from a gradient that is cut off."""
    if 2 * dead > count:
        sentence = f"exactly zero at {dead} of {count} images, whatever the loss"
        return Finding("gradient", "failed", sentence, REMEDY)
    if dead:
        sentence = f"exactly zero at {dead} of {count} images, whatever the loss"
        return Finding("gradient", "warning", sentence, REMEDY)
    sentence = f"cross-entropy is so sure that its gradient is exactly zero at {zero} of {count}"
    remedy = "attack with a loss of logits (a margin), which has a gradient at all of these images"
    return Finding("gradient", "warning", f"{sentence} images", remedy)
