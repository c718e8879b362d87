"""A pipeline's answers read back as pixels, and our own renderings to compare them with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roadworthy.pipeline.stages import COLOURS
from roadworthy.preflight.layout import Floats, Layout
from roadworthy.preflight.match import Match, match
from roadworthy.preflight.observe import Answers
from roadworthy.preflight.probes.base import COLOURS as FLAT
from roadworthy.preflight.probes.base import probes
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
        """Return the same with red first, where the order is all that the colours lack."""
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
    colours, numbers = [], []
    for colour in FLAT:
        name = "flat_" + "_".join(map(str, colour))
        array = answers.arrays.get(name)
        picture = None if array is None else layout.picture(array)
        if picture is None:
            continue
        height, width = picture.shape[:2]
        middle = picture[height // 4 : height - height // 4, width // 4 : width - width // 4]
        if np.ptp(middle, axis=(0, 1)).max() > 1e-4 * max(1.0, float(np.abs(middle).max())):
            return f"a flat picture does not come out flat ('{probes()[name].file}')"
        colours.append(colour)
        numbers.append(np.median(middle, axis=(0, 1)))
    if len(colours) < 8:
        return f"only {len(colours)} of {len(FLAT)} flat pictures were answered with a picture"
    return np.array(colours, np.float64), np.array(numbers, np.float64)
