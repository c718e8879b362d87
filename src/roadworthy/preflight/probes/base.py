"""The probes by name, each made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from roadworthy.preflight.probes.adobe import adobe_rgb
from roadworthy.preflight.probes.encode import cmyk_jpeg, grey_jpeg, jpeg, png, profiled, turned
from roadworthy.preflight.probes.pictures import blocks, chart, flat, grid
from roadworthy.types import Image

SIDE = 160
"""Side of all probes that are not about geometry."""

COLOURS = (
    *((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (127, 127, 127)),
    *((37, 91, 203), (203, 37, 91), (91, 203, 37), (14, 17, 19), (251, 246, 238), (65, 129, 193)),
    *((178, 222, 7), (109, 51, 151)),
)
SQUARES = (SIDE, 330, 640, 1100)
SIZES = ((333, 471), (427, 640), (500, 375), (371, 213), (97, 131), (930, 1103), (400, 401))
CHROMA = ("444", "420", "422", "440")


@dataclass(frozen=True)
class Probe:
    """One file, made when first needed: its name, and what is in it."""

    name: str
    extension: str
    make: Callable[[], bytes]
    draw: Callable[[], Image] | None = None

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.name}.{self.extension}"

    @cached_property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.make()

    @cached_property
    def pixels(self) -> Image:
        """The pixels that a lossless file holds, uint8 (H, W, 3)."""
        assert self.draw is not None
        return self.draw()


@cache
def probes() -> Mapping[str, Probe]:
    """Return all probes that every pipeline is asked about, by name, in that order."""
    return {probe.name: probe for probe in _all()}


def lossless(name: str, draw: Callable[[], Image]) -> Probe:
    """Return a probe that is a PNG of what ``draw`` returns, drawn once."""
    drawn = cache(draw)
    return Probe(name, "png", lambda: png(drawn()), drawn)


def _all() -> Iterator[Probe]:
    for colour in COLOURS:
        yield lossless("flat_" + "_".join(map(str, colour)), partial(flat, SIDE, SIDE, colour))
    for side in SQUARES:
        yield lossless(f"square_{side}", partial(grid, side, side))
    for height, width in SIZES:
        yield lossless(f"grid_{height}x{width}", partial(grid, height, width))
    for chroma in CHROMA:
        yield _jpeg(f"jpeg_{chroma}", partial(jpeg, picture(), chroma))
    yield _jpeg("jpeg_progressive", partial(jpeg, picture(), "420", progressive=True))
    yield _jpeg("jpeg_large", lambda: jpeg(chart(SQUARES[-1], SQUARES[-1]), "420"))
    yield _jpeg("jpeg_grey", lambda: grey_jpeg(plain()[:, :, 1]))
    yield _jpeg("jpeg_cmyk", lambda: cmyk_jpeg(plain()))
    for orientation in range(1, 9):
        yield _jpeg(f"exif_{orientation}", partial(_turned, orientation))
    yield _jpeg("icc_adobe_rgb", lambda: profiled(jpeg(plain(), "444"), adobe_rgb()))
    for name, pixels in kinds().items():
        yield Probe(name, "png", partial(png, pixels))
    yield Probe("png_palette", "png", lambda: png(indices(), palette=palette()))


@cache
def picture() -> Image:
    """Return the picture in the JPEGs that tell decoders apart."""
    return chart(SIDE, SIDE)


@cache
def plain() -> Image:
    """Return the picture in the files about everything else, which every decoder reads alike."""
    return blocks(SIDE, SIDE)


@cache
def kinds() -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]]]:
    """Return the pixels of the PNGs with more or other than three channels of 8 bits, by name."""
    grey, alpha = plain()[:, :, :1], plain()[::-1, :, 1:2]
    fine = plain().astype(np.uint16) * 256 + (plain()[::-1] ^ 0x5A)
    return {
        "png_grey": grey,
        "png_alpha": np.dstack([plain(), alpha]),
        "png_grey_alpha": np.dstack([grey, alpha]),
        "png_16_bit_grey": fine[:, :, :1],
        "png_16_bit": fine,
    }


def indices() -> Image:
    """Return the pixels of the PNG with a palette, (H, W)."""
    return plain()[:, :, 0] // 16


def palette() -> Image:
    """Return its colours, uint8 (16, 3)."""
    return chart(16, 1).reshape(16, 3)


def _turned(orientation: int) -> bytes:
    return turned(jpeg(plain(), "444"), orientation)


def _jpeg(name: str, make: Callable[[], bytes]) -> Probe:
    return Probe(name, "jpg", make)
