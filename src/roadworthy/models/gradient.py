"""The gradient of a loss with respect to the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError
from roadworthy.models.counted import Counted as Counted
from roadworthy.models.randomness import passes
from roadworthy.models.threads import all_threads
from roadworthy.types import Classifier, Need

Loss = Callable[[Tensor, Any], Tensor]
"""Takes logits (N, classes) and a goal, returns one loss per image (N,)."""

View = Callable[[Tensor], Tensor]
"""What a model is shown of a batch (N, C, H, W): differentiable, of the same shape."""


def value_and_gradient(
    model: Classifier, loss: Loss, x: Tensor, y: Any, *, view: View | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (logits (N, C), loss (N,), gradient of the loss at ``x``, of its shape), all detached.

    Only the input gets a gradient: filling those of the parameters would cost up to twice the time.
    ``loss(logits, y)`` gives one value per image; images do not influence each other, so the
    gradient of the sum holds every image's own. Of a random model whose logits are the mean of
    several passes all three are means: the gradient is that of the expected loss. ``view`` is what
    the model is shown instead of ``x``, a differentiable function of it. Raises RoadworthyError if
    the model gives no gradient.
    """
    if Need.GRADIENT not in model.gives:
        raise RoadworthyError(f"{model.id} gives no gradient; use a black-box attack")
    if not x.is_floating_point():
        raise RoadworthyError(
            f"a gradient is taken at a float batch with values in [0, 1], not at {x.dtype}; "
            "divide 8-bit images by 255"
        )
    first, *others = passes(model)
    with all_threads():
        logits, value, gradient = _one_pass(first, loss, x, y, view)
        for number, other in enumerate(others, start=2):
            found = _one_pass(other, loss, x, y, view)
            for mean, new in zip((logits, value, gradient), found, strict=True):
                mean.lerp_(new, 1 / number)
    return logits, value, gradient


def _one_pass(
    model: Classifier, loss: Loss, x: Tensor, y: Any, view: View | None
) -> tuple[Tensor, Tensor, Tensor]:
    with torch.enable_grad():
        # A network cannot change a leaf in place, so sharing memory with the caller is safe.
        z = (x.clone() if x.is_inference() else x.detach()).requires_grad_()
        logits = model.logits(z if view is None else view(z))
        value = loss(logits, y)
        if value.shape != x.shape[:1]:
            raise RoadworthyError(
                f"the loss returned shape {tuple(value.shape)}, expected one value per image: "
                f"({len(x)},)"
            )
        if not value.requires_grad:
            raise RoadworthyError(
                f"{model.id}: the loss does not depend on the input differentiably "
                "(is part of the network run under no_grad, or detached?)"
            )
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return logits.detach(), value.detach(), gradient
