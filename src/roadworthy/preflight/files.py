"""What a pipeline makes of files with more or other than three channels of eight bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from roadworthy.pipeline.native import opencv
from roadworthy.preflight.component import Component, unknown
from roadworthy.preflight.decoders import decoded
from roadworthy.preflight.layout import Floats, layout_of
from roadworthy.preflight.probes.base import indices, kinds, palette, plain, probes
from roadworthy.preflight.twins import Twins, twin_of
from roadworthy.types import Image

Ways = Iterator[tuple[str, Callable[[], Image]]]


def files(twins: Twins) -> Component:
    """Name how unusual files are read; one that is refused has the name ``refused``."""
    said = {what: _way(twins, probe, ways()) for what, (probe, ways) in _KINDS.items()}
    text = ", ".join(f"{what} {way}" for what, way in said.items())
    strange = [what for what, way in said.items() if way == "unknown"]
    if strange:
        return unknown("files", f"{', '.join(strange)} read in no known way; {text}")
    return Component("files", text, f"{len(said)} kinds of files and their plain twins")


def _way(twins: Twins, probe: str, ways: Ways) -> str:
    if probe in twins.answers.failures:
        return "refused"
    usual = (
        twins.answers.arrays["square_160"].shape if "square_160" in twins.answers.arrays else None
    )
    shape = twins.answers.arrays[probe].shape
    if usual is not None and shape != usual:
        return f"as {'x'.join(map(str, shape))}"
    return twins.first(probe, ways) or _as_it_is(twins, probe) or "unknown"


def _as_it_is(twins: Twins, probe: str) -> str:
    """Tell sixteen bits that are taken for pixels without being reduced to eight."""
    if "16" not in probe or twins.scale is None:
        return ""
    twin = twins.answers.ask(twin_of(probe, _three(kinds()[probe] / 257)))
    layout = layout_of(twins.answers)
    if twin is None or isinstance(layout, str):
        return ""
    seen, other = layout.picture(twins.answers.arrays[probe]), layout.picture(twin)
    if seen is None or other is None:
        return ""
    large, small = twins.scale.pixels(seen), twins.scale.pixels(other)
    middle = float(np.median(large / np.maximum(small, 1.0)))
    return "taken for 0..65535" if 240 < middle < 270 else ""


def _grey(probe: str) -> Ways:
    yield "repeated", lambda: decoded(probe, "pillow")


def _cmyk() -> Ways:
    data = np.frombuffer(probes()["jpeg_cmyk"].data, np.uint8)
    yield "as Pillow", lambda: decoded("jpeg_cmyk", "pillow")
    yield "as OpenCV", lambda: opencv().imdecode(data, opencv().IMREAD_COLOR)[:, :, ::-1]


def _alpha(probe: str) -> Ways:
    pixels = kinds()[probe].astype(np.float64)
    colour, alpha = pixels[:, :, :-1], pixels[:, :, -1:] / 255
    yield "dropped", lambda: _three(colour)
    yield "over white", lambda: _three(colour * alpha + 255 * (1 - alpha))
    yield "over black", lambda: _three(colour * alpha)


def _palette() -> Ways:
    yield "expanded", lambda: palette()[indices()]
    yield "as numbers", lambda: _three(indices()[:, :, None].astype(np.float64))


def _deep(probe: str) -> Ways:
    pixels = kinds()[probe].astype(np.float64)
    yield "high byte", lambda: _three(pixels // 256)
    yield "rounded", lambda: _three(pixels / 257)
    yield "saturated", lambda: _three(np.minimum(pixels, 255))
    yield "low byte", lambda: _three(pixels % 256)


def _three(pixels: Floats) -> Image:
    whole = pixels.round().astype(np.uint8)
    return np.repeat(whole, 3, axis=2) if whole.shape[2] == 1 else whole


_KINDS: dict[str, tuple[str, Callable[[], Any]]] = {
    "grey": ("png_grey", lambda: iter((("repeated", lambda: _three(plain()[:, :, :1] * 1.0)),))),
    "grey JPEG": ("jpeg_grey", partial(_grey, "jpeg_grey")),
    "CMYK": ("jpeg_cmyk", _cmyk),
    "alpha": ("png_alpha", partial(_alpha, "png_alpha")),
    "grey alpha": ("png_grey_alpha", partial(_alpha, "png_grey_alpha")),
    "palette": ("png_palette", _palette),
    "16-bit grey": ("png_16_bit_grey", partial(_deep, "png_16_bit_grey")),
    "16-bit": ("png_16_bit", partial(_deep, "png_16_bit")),
}
"""What is read, the probe that shows it, and the ways to read it."""


def every_twin() -> Iterator[tuple[str, Image]]:
    """Yield probe and pixels of all twins that tell how unusual files are read."""
    for probe, ways in _KINDS.values():
        yield from ((probe, draw()) for _, draw in ways())
