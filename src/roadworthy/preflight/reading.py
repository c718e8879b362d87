"""A pipeline's answers read back as pixels, and our own renderings to compare them with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.stages import COLOURS
from roadworthy.preflight.layout import Floats, Layout
from roadworthy.preflight.match import Match, match
from roadworthy.preflight.observe import Answers
from roadworthy.preflight.probes.base import COLOURS as FLAT
from roadworthy.preflight.scale import Scale
from roadworthy.types import Image


@dataclass(frozen=True)
class Reading:
    """Answers with what is known of their form; ``frame`` gives them as pixels by probe."""

    answers: Answers
    layout: Layout
    scale: Scale
    kept: dict[str, Floats | None] = field(default_factory=dict, repr=False)

    def frame(self, name: str) -> Floats | None:
        """Return the answer to a probe as pixels (h, w, 3) in 0..255, or None where there is none."""
        if name not in self.kept:
            array = self.answers.arrays.get(name)
            picture = None if array is None else self.layout.picture(array)
            self.kept[name] = None if picture is None else self.scale.pixels(picture)
        return self.kept[name]

    def rgb(self, name: str) -> Floats | None:
        """Return the same with red first, where the order is all that the colours lack.

        None for grey, in which the ramps of a grid cannot be told apart.
        """
        if self.scale.colour == "grey":
            return None
        frame = self.frame(name)
        return frame[:, :, ::-1] if frame is not None and self.scale.colour == "bgr" else frame

    @property
    def size(self) -> tuple[int, int] | None:
        """The frame (H, W) of all probes, or None where it depends on the picture."""
        sizes = {f.shape[:2] for f in map(self.frame, self.answers.arrays) if f is not None}
        return sizes.pop() if len(sizes) == 1 else None

    def compare(self, name: str, ours: Image) -> Match:
        """Compare the answer to a probe with an RGB frame of ours, in the colours of the pipeline."""
        seen = self.frame(name)
        assert seen is not None
        coloured: Image = COLOURS.get(self.scale.colour).function(ours)
        return match(seen, coloured, noise=self.scale.noise)


def flat_numbers(answers: Answers, layout: Layout) -> tuple[Floats, Floats] | str:
    """Return flat colours (N, 3) and what they become in the middle of the frame, or why they do not."""
    pictures: dict[tuple[int, ...], Floats] = {}
    for colour in FLAT:
        array = answers.arrays.get("flat_" + "_".join(map(str, colour)))
        picture = None if array is None else layout.picture(array)
        if picture is not None:
            pictures[colour] = picture
    if len(pictures) < 8:
        return f"only {len(pictures)} of {len(FLAT)} flat pictures were answered with a picture"
    if len({p.shape for p in pictures.values()}) > 1:
        return "flat pictures of one size come out in several sizes"
    stack = np.stack(list(pictures.values())).astype(np.float64)
    inside = stack[:, _middle(np.ptp(stack, axis=0).max(axis=2) > 0)]
    spread = np.ptp(inside, axis=1).max(axis=1) if inside.size else np.zeros(len(stack))
    limits = 1e-4 * np.maximum(1.0, np.abs(stack).max(axis=(1, 2, 3)))
    for shade, uneven in zip(pictures, spread > limits, strict=True):
        if uneven:
            return f"a flat picture does not come out flat: RGB {shade}"
    if not inside.size:
        inside = stack[:, _middle(np.ones(stack.shape[1:3], bool))]
    return np.array(list(pictures), np.float64), np.median(inside, axis=1)


def _middle(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the middle of where a picture is shown: not its edges, and not the bars around it."""
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    kept = np.zeros_like(shown)
    if len(rows) and len(columns):
        parts = []
        for where in (rows, columns):
            margin = (int(where[-1]) + 1 - int(where[0])) // 4
            parts.append(slice(int(where[0]) + margin, int(where[-1]) + 1 - margin))
        kept[parts[0], parts[1]] = True
    return kept
