"""Where in a vision transformer tokens have their positions and can be left out."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Size = tuple[int, int]


@dataclass
class Chosen:
    """Which tokens a network is given: ``kept`` (N, L), as many of each image, and all if None.

    Each is multiplied by ``gates`` (N, L), if there are any; ``seen`` is how many came last.
    """

    kept: Tensor | None = None
    gates: Tensor | None = None
    seen: int = 0

    def of(self, tokens: Tensor, prefix: int) -> tuple[Tensor, Tensor | None]:
        """Return the first ``prefix`` tokens and those that are kept of the others, and which these are."""
        first, rest = tokens[:, :prefix], tokens[:, prefix:]
        self.seen = rest.shape[1]
        if self.gates is not None:
            rest = rest * self.gates[..., None].to(rest.dtype)
        if self.kept is None or bool(self.kept.all()):
            return torch.cat([first, rest], dim=1), None
        places = self.kept.nonzero()[:, 1].view(len(rest), -1)
        return torch.cat([first, rest[self.kept].view(len(rest), -1, rest.shape[2])], dim=1), places


class Selecting(nn.Module):
    """Stands where a network drops tokens at random in training, and passes on those that are chosen.

    ``before`` is what happened there. With ``places`` it also returns which tokens these are, for
    those networks that turn queries and keys by their positions later on.
    """

    def __init__(self, prefix: int, before: nn.Module | None, *, places: bool = False) -> None:
        super().__init__()
        self.prefix, self.before, self.places = prefix, before, places
        self.chosen = Chosen()

    def forward(self, tokens: Tensor) -> Any:
        """Return the tokens (N, L, width) that go on."""
        tokens = tokens if self.before is None else self.before(tokens)
        found, places = self.chosen.of(tokens, self.prefix)
        return (found, places) if self.places else found


@dataclass(frozen=True)
class Selectable:
    """A network of which ``selecting`` chooses the tokens, patches in a ``grid`` of rows and columns.

    Where it is ``mute`` without any patch it pools over patches, and has nothing to say of none.
    """

    module: nn.Module
    selecting: Selecting
    grid: Size
    mute: bool


def selectable(module: nn.Module, size: Size | None) -> Selectable | None:
    """Return a copy of a vision transformer that shares all weights; None for any other network.

    Known are those of timm that have a place to drop patches, with or without rotary positions, and
    those of torchvision. ``size`` is the frame (H, W) that it takes.
    """
    net: Any = module
    if _is(module, "torchvision.models.vision_transformer.VisionTransformer"):
        side = net.image_size // net.patch_size
        selecting = Selecting(1, net.encoder.dropout)
        encoder = _with(net.encoder, "dropout", selecting)
        return Selectable(_with(module, "encoder", encoder), selecting, (side, side), mute=False)
    parts = ("patch_embed", "patch_drop", "num_prefix_tokens", "blocks", "global_pool")
    if not all(hasattr(module, part) for part in parts):
        return None
    rotary = _is(module, "timm.models.eva.Eva")
    if not rotary and not isinstance(net.patch_drop, nn.Module):
        return None
    selecting = Selecting(net.num_prefix_tokens, None, places=rotary)
    dynamic = size is not None and getattr(module, "dynamic_img_size", False)
    height, width = (
        net.patch_embed.dynamic_feat_size(size) if dynamic else net.patch_embed.grid_size
    )
    return Selectable(
        _with(module, "patch_drop", selecting),
        selecting,
        (int(height), int(width)),
        mute=net.global_pool != "token",
    )


def _is(module: nn.Module, name: str) -> bool:
    """Whether a network is of a class that a package has, which is loaded then."""
    package, _, kind = name.rpartition(".")
    known = getattr(sys.modules.get(package), kind, None)
    return known is not None and isinstance(module, known)


def _with(module: nn.Module, name: str, part: nn.Module) -> nn.Module:
    """Return a copy of ``module`` with another ``part``; everything else is shared."""
    made = copy.copy(module)
    made._modules = {**module._modules, name: part}
    made.__dict__.pop(name, None)  # a part that is None stands there, before all modules
    return made
