"""A program that cannot be looked into, and may take batches of one size only, as a torch module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.models.classifier import outputs


class Sealed(nn.Module):
    """Hands batches (N, 3, H, W) to ``program``, in pieces of ``batch`` images where that is fixed.

    The last piece is filled up with its last image. Where ``declared`` is false, None means that it
    is not known, and images go in one by one once they fail together. ``dtype`` is what the program
    takes; logits come back as float32. A program that is a module lends this one its tensors.
    """

    def __init__(
        self,
        program: Callable[[Tensor], Any],
        *,
        name: str,
        batch: int | None = None,
        declared: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.program, self.name, self.dtype = program, name, dtype
        self.batch, self.declared = batch, declared

    def train(self, mode: bool = True) -> Sealed:
        """Leave the program alone: an exported one has no modes."""
        self.training = mode
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of ``x``, (N, classes)."""
        x = x.to(self.dtype).contiguous()
        if self.batch is not None:
            return self._in_pieces(x, self.batch)
        if self.declared or len(x) == 1:
            return self._run(x)
        try:
            return self._run(x)
        except Exception:
            try:
                found = self._in_pieces(x, 1)
            except Exception:  # then what it says of the whole batch is the better reason
                found = None
            if found is None:
                raise
            self.batch = 1
            return found

    def _run(self, x: Tensor) -> Tensor:
        return outputs(self.program(x), self.name).float()

    def _in_pieces(self, x: Tensor, size: int) -> Tensor:
        return torch.cat([self._piece(part, size) for part in torch.split(x, size)])

    def _piece(self, part: Tensor, size: int) -> Tensor:
        lacking = size - len(part)
        if lacking:
            part = torch.cat([part, part[-1:].expand(lacking, -1, -1, -1)])
        found = self._run(part)
        return found[: size - lacking] if len(found) == size else found


def at_a_time(name: str, batch: int) -> str:
    """Say that a program takes so many images in one call, no more and no fewer."""
    return f"{name} takes {batch} image{'s' * (batch != 1)} at a time"
