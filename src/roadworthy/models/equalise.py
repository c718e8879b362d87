"""A model whose input has its local contrast equalised first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.models.classifier import checked
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Image, Metadata, Need

MAX_TILES = 64


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Equalised:
    """A classifier behind CLAHE; ``members`` is the one model that judges what comes out."""

    members: tuple[Classifier]
    clip: float
    tiles: int
    pipeline: Pipeline
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model, the clip limit and the number of tiles."""
        covered = digest(self.members[0].id, repr(self.clip), self.tiles, size=8)
        return f"clahe/{self.clip:g}-{self.tiles}@{covered}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        inner = self.members[0].classes
        return Classes(inner.count, inner.names, inner.wnids)

    @property
    def gives(self) -> frozenset[Need]:
        """What the model gives but gradients: a histogram has none."""
        return self.members[0].gives - {Need.GRADIENT}

    def logits(self, x: Tensor) -> Tensor:
        """Return the model's logits of ``x``, float (N, 3, H, W) in [0, 1], equalised in 8 bits.

        Raises RoadworthyError for a frame with fewer pixels a side than tiles.
        """
        if min(checked(x).shape[-2:]) < self.tiles:
            raise RoadworthyError(
                f"{self.id}: a frame of {x.shape[-1]}x{x.shape[-2]} pixels has no room for "
                f"{self.tiles} tiles a side"
            )
        levels = x.detach().clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)
        frames = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        done = [equalised(frame, self.clip, self.tiles) for frame in frames]
        batch = torch.from_numpy(np.stack(done) if done else frames).permute(0, 3, 1, 2)
        result: Tensor = self.members[0].logits(batch.to(x.device).to(x.dtype).div_(255.0))
        return result


def equalised(image: Image, clip: float, tiles: int) -> Image:
    """Return ``image``, uint8 (H, W, 3), with its luma equalised in ``tiles`` by ``tiles`` tiles.

    The luma is that of BT.601; what CLAHE adds to it is added to every channel, and the result is
    clipped, so that colour differences stay.
    """
    import cv2

    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    even = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles, tiles)).apply(luma)
    change = even.astype(np.int16) - luma
    moved: Image = np.clip(image + change[..., None], 0, 255).astype(np.uint8)
    return moved


def equalising(model: Classifier, clip: float, tiles: int) -> Equalised:
    """Return ``model`` behind CLAHE; raises UsageError for parameters that mean nothing."""
    if not 0 < clip < float("inf"):
        raise UsageError(f"clahe: clip is above 0, in units of an even histogram, not {clip}")
    if not 1 <= tiles <= MAX_TILES:
        raise UsageError(f"clahe: tiles is 1 to {MAX_TILES} a side, not {tiles}")
    return Equalised(
        members=(model,),
        clip=clip,
        tiles=tiles,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )
