"""A torch network as a classifier of [0, 1] images in any frame."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.errors import RoadworthyError
from roadworthy.models.base import NO_FACTS, Card, Stats
from roadworthy.models.chunks import in_chunks
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Metadata, Need

GIVES = frozenset({Need.GRADIENT, Need.LOGITS, Need.PROBABILITIES, Need.LABELS})


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TorchClassifier:
    """A prepared ``torch.nn.Module`` with all that belongs to it; the engine's `Classifier`.

    ``spec`` is the canonical text that names it, ``weights_digest`` a digest of its tensors as they
    were loaded, ``notes`` what the user should know about how it was loaded, ``precision`` whether
    the network runs under bfloat16 autocast, and ``dtype`` the type of its parameters and input.
    ``quantisation`` says how it was quantised, if it was; ``sealed`` is an exported program, whose
    arithmetic is its own.
    """

    id: str
    spec: str
    module: nn.Module
    pipeline: Pipeline
    classes: Classes
    mean: Stats
    std: Stats
    metadata: Metadata = NO_FACTS
    gives: frozenset[Need] = GIVES
    notes: tuple[str, ...] = ()
    card: Card | None = None
    weights_digest: str = ""
    precision: str = "fp32"
    dtype: torch.dtype = torch.float32
    quantisation: Quantisation | None = None
    sealed: bool = False

    def __repr__(self) -> str:
        return self.spec

    def logits(self, x: Tensor) -> Tensor:
        """Return float32 logits (N, classes) of a float batch (N, 3, H, W) in [0, 1].

        A batch in another frame than the pipeline's is resized first (bilinear, antialiased), so
        the result is differentiable in ``x`` whatever its frame. Raises RoadworthyError where the
        batch or what the network returns has the wrong form.
        """
        z = resized(checked(x), self.pipeline.size)
        with autocast(z.device.type, self.precision):
            out = outputs(in_chunks(self.module, z, before=self._input), self.id)
        expected = (len(x), (self.classes.count or 0) + self.classes.offset)
        if tuple(out.shape) != expected:
            raise RoadworthyError(
                f"{self.id}: the network returned a tensor of shape {tuple(out.shape)}, "
                f"expected {expected}: one row of logits per image"
            )
        out = out if out.dtype == torch.float64 else out.float()
        return out[:, self.classes.offset :]

    def _input(self, x: Tensor) -> Tensor:
        z = normalised(x, self.mean, self.std)
        z = z.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return z.clone() if z is x else z  # a network may normalise its input in place


def autocast(device: str, precision: str) -> Any:
    """Return the context in which a network runs in ``precision``."""
    if precision == "bf16":
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()


def checked(x: Tensor) -> Tensor:
    """Return ``x`` if it is a float batch (N, 3, H, W); raises RoadworthyError otherwise."""
    if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        given = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise RoadworthyError(
            f"logits takes a float tensor (N, 3, H, W) with values in [0, 1], not {given}"
        )
    return x


def resized(x: Tensor, size: tuple[int, int] | None) -> Tensor:
    """Return ``x`` in the frame ``size`` (height, width); or as it is where that fits."""
    if size is None or tuple(x.shape[-2:]) == tuple(size):
        return x
    return functional.interpolate(
        x, size=tuple(size), mode="bilinear", align_corners=False, antialias=True
    )


def normalised(x: Tensor, mean: Stats, std: Stats) -> Tensor:
    """Return ``(x - mean) / std`` per channel; ``x`` itself where that changes nothing."""
    if mean == (0.0, 0.0, 0.0) and std == (1.0, 1.0, 1.0):
        return x
    # Made anew each time: a tensor kept from under inference mode could not enter a gradient later.
    shift = torch.tensor(mean, dtype=x.dtype, device=x.device)
    scale = torch.tensor(std, dtype=x.dtype, device=x.device)
    if not x.is_contiguous(memory_format=torch.channels_last):
        return (x - shift.view(1, 3, 1, 1)).div_(scale.view(1, 3, 1, 1))
    # Row by row: torch works along what is contiguous, which is three numbers of a pixel otherwise.
    count, _, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(count, height, 3 * width)
    done = (rows - shift.repeat(width)).div_(scale.repeat(width))
    return done.view(count, height, width, 3).permute(0, 3, 1, 2)


def outputs(returned: Any, name: str) -> Tensor:
    """Return the logits in what a network returned: a tensor, or a tensor in a common container.

    Understood are objects with ``.logits`` (Hugging Face), mappings with the key ``logits`` or
    ``out`` or with one tensor only, and tuples or lists whose first item is a tensor.
    """
    found = getattr(returned, "logits", None)
    if found is None and isinstance(returned, Mapping):
        tensors = [v for v in returned.values() if isinstance(v, Tensor)]
        only = tensors[0] if len(tensors) == 1 else None
        found = returned.get("logits", returned.get("out", only))
    elif found is None and isinstance(returned, tuple | list) and returned:
        found = returned[0]
    elif found is None:
        found = returned
    if not isinstance(found, Tensor):
        raise RoadworthyError(
            f"{name}: the network returned {type(returned).__name__} without recognisable logits; "
            "expected a tensor (N, classes), an object with .logits, a dict with 'logits', "
            "or a tuple that starts with them"
        )
    return found
