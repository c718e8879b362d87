"""A model whose input has its local contrast equalised first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.front import Fronted, behind
from roadworthy.types import Classifier, Image

MAX_TILES = 64


@dataclass(frozen=True)
class Clahe:
    """Contrast-limited adaptive histogram equalisation of each frame."""

    clip: float
    tiles: int

    @property
    def name(self) -> str:
        """Has the parameters as people write them."""
        return f"clahe/{self.clip:g}-{self.tiles}"

    @property
    def identity(self) -> tuple[object, ...]:
        """The clip limit in full and the number of tiles."""
        return repr(self.clip), self.tiles

    def __call__(self, frame: Image) -> Image:
        """Return the frame equalised; raises RoadworthyError for one with fewer pixels than tiles."""
        if min(frame.shape[:2]) < self.tiles:
            raise RoadworthyError(
                f"{self.name}: a frame of {frame.shape[1]}x{frame.shape[0]} pixels has no room for "
                f"{self.tiles} tiles a side"
            )
        return equalised(frame, self.clip, self.tiles)


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


def equalising(model: Classifier, clip: float, tiles: int) -> Fronted:
    """Return ``model`` behind CLAHE; raises UsageError for parameters that mean nothing."""
    if not 0 < clip < float("inf"):
        raise UsageError(f"clahe: clip is above 0, in units of an even histogram, not {clip}")
    if not 1 <= tiles <= MAX_TILES:
        raise UsageError(f"clahe: tiles is 1 to {MAX_TILES} a side, not {tiles}")
    return behind(model, Clahe(clip, tiles), straight=False)
