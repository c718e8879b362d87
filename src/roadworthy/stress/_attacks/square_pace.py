"""How many proposals of an image Square tries at once: a call about few images costs its start."""

from __future__ import annotations

from torch import Tensor

IDLE_PIXELS = {"cpu": 4 * 32 * 32}
"""A call of a model costs about as much as so many pixels more than it is asked about: on two cores
four to five images of CIFAR for a ResNet-20, on one core two. Elsewhere, where no one measured, it is
`IDLE_ELSEWHERE`."""

IDLE_ELSEWHERE = 128 * 32 * 32

MOST = 16
"""Never more proposals of an image at once."""


class Pace:
    """Chooses how far to look ahead from how many images are left and how often they accept.

    All proposals of a call start from the same best, so those after an accepted one are wasted. It
    decides what a search costs, never what it finds.
    """

    def __init__(self, like: Tensor) -> None:
        pixels = like.shape[-2] * like.shape[-1]
        self._idle = IDLE_PIXELS.get(like.device.type, IDLE_ELSEWHERE) / pixels
        self._accepted, self._tried = 1.0, 2.0

    def ahead(self, images: int) -> int:
        """Return how many proposals of each of ``images`` to try in one call."""
        refused = 1.0 - self._accepted / self._tried
        most = max(1, min(MOST, int(16 * self._idle / images)))  # beyond, batches gain nothing
        return max(range(1, most + 1), key=lambda m: self._worth(m, images, refused))

    def saw(self, accepted: int, tried: int) -> None:
        """Note that of ``tried`` proposals ``accepted`` were accepted; old calls are forgotten."""
        self._accepted = 0.95 * self._accepted + accepted
        self._tried = 0.95 * self._tried + tried

    def _worth(self, ahead: int, images: int, refused: float) -> float:
        """Return the proposals of an image that are expected to count, by what the call costs."""
        return sum(refused**k for k in range(ahead)) / (self._idle + images * ahead)
