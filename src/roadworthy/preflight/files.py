"""What a pipeline makes of files with more or other than three channels of eight bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.colour_stages import ALPHAS, CMYKS, DEPTHS
from roadworthy.pipeline.steps import unpack
from roadworthy.preflight.component import UNKNOWN, Component, unknown
from roadworthy.preflight.layout import Floats, layout_of
from roadworthy.preflight.probes.base import indices, kinds, palette, probes
from roadworthy.preflight.twins import Twins, twin_of
from roadworthy.registry import Registry
from roadworthy.types import Image

Ways = Iterator[tuple[str, Callable[[], Image]]]

REFUSED = "refused"
WHOLE = "taken for 0..65535"

STAGES: dict[str, tuple[Registry, tuple[str, ...]]] = {  # type: ignore[type-arg]
    "cmyk": (CMYKS, ("jpeg_cmyk",)),
    "depth": (DEPTHS, ("png_16_bit_grey",)),
    "alpha": (ALPHAS, ("png_alpha", "png_grey_alpha")),
}
"""Parts that are stages of ours: where these are registered, and the probes that tell them apart."""


def stages(twins: Twins) -> list[Component]:
    """Name how CMYK, sixteen bits of grey and transparency are read, by the names of our stages."""
    return [_stage(twins, part) for part in STAGES]


def _stage(twins: Twins, part: str) -> Component:
    names = STAGES[part][1]
    found = [_way(twins, probe, _ways(part, probe)) for probe in names]
    if len(set(found)) > 1:
        said = ", ".join(f"{probe} {way}" for probe, way in zip(names, found, strict=True))
        return unknown(part, f"not one way for all: {said}")
    if found[0] == UNKNOWN:
        return unknown(part, f"{' and '.join(names)}: read in no known way, or in one of several")
    return Component(part, found[0], f"a plain twin of {' and '.join(names)}")


def _ways(part: str, probe: str) -> Ways:
    for name in STAGES[part][0]:
        yield name, partial(_read, probe, part, name)
    if part == "depth":
        deep = kinds()[probe].astype(np.float64)
        yield "rounded", lambda: three(deep / 257)
        yield "low_byte", lambda: three(deep % 256)


def _read(probe: str, part: str, name: str) -> Image:
    recipe = replace(Pipeline(None), **{part: name})  # type: ignore[arg-type]
    return unpack(probes()[probe].data, recipe, name=probe).image


def files(twins: Twins) -> Component:
    """Name how grey, palettes and sixteen bits of colour are read."""
    said = {what: _way(twins, probe, ways()) for what, (probe, ways) in _OTHERS.items()}
    text = ", ".join(f"{what} {way}" for what, way in said.items())
    if UNKNOWN in said.values():
        return unknown("files", f"some are read in no known way: {text}")
    return Component("files", text, "files and their plain twins")


def _way(twins: Twins, probe: str, ways: Ways) -> str:
    """Return the way in which ``probe`` is read, `REFUSED`, or unknown."""
    answers = twins.answers
    if probe in answers.failures:
        return REFUSED
    plainly, shape = answers.arrays.get("square_160"), answers.arrays[probe].shape
    if plainly is not None and plainly.shape != shape:
        return f"as {'x'.join(map(str, shape))}"
    return twins.which(probe, ways) or _as_it_is(twins, probe) or UNKNOWN


def _as_it_is(twins: Twins, probe: str) -> str:
    """Tell sixteen bits that are taken for pixels without being reduced to eight."""
    layout = layout_of(twins.answers)
    if "16" not in probe or twins.scale is None or isinstance(layout, str):
        return ""
    twin = twins.answers.ask(twin_of(probe, three(kinds()[probe] / 257)))
    seen = layout.picture(twins.answers.arrays[probe])
    other = None if twin is None else layout.picture(twin)
    if seen is None or other is None:
        return ""
    large, small = twins.scale.pixels(seen), twins.scale.pixels(other)
    return WHOLE if 240 < float(np.median(large / np.maximum(small, 1.0))) < 270 else ""


def three(pixels: Floats) -> Image:
    """Return pixels (H, W, 1 or 3) as whole levels in three channels."""
    whole = pixels.round().astype(np.uint8)
    return np.repeat(whole, 3, axis=2) if whole.shape[2] == 1 else whole


def _grey(probe: str) -> Ways:
    yield "repeated", lambda: unpack(probes()[probe].data, Pipeline(None), name=probe).image


def _palette() -> Ways:
    yield "expanded", lambda: palette()[indices()]
    yield "as numbers", lambda: three(indices()[:, :, None].astype(np.float64))


def _deep() -> Ways:
    deep = kinds()["png_16_bit"].astype(np.float64)
    yield "high byte", lambda: three(deep // 256)
    yield "rounded", lambda: three(deep / 257)


_OTHERS: dict[str, tuple[str, Callable[[], Ways]]] = {
    "grey": ("png_grey", partial(_grey, "png_grey")),
    "grey JPEG": ("jpeg_grey", partial(_grey, "jpeg_grey")),
    "palette": ("png_palette", _palette),
    "16-bit colour": ("png_16_bit", _deep),
}
"""What else is read, the probe that shows it, and the ways to read it."""


def every_twin() -> Iterator[tuple[str, Image]]:
    """Yield probe and pixels of all twins that tell how unusual files are read."""
    told: Sequence[tuple[str, Ways]] = [(p, _ways(s, p)) for s in STAGES for p in STAGES[s][1]]
    for probe, ways in (*told, *((probe, ways()) for probe, ways in _OTHERS.values())):
        yield from ((probe, draw()) for _, draw in ways)
        if "16" in probe:
            yield probe, three(kinds()[probe] / 257)
