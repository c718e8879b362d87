"""What a pipeline does with the orientation that a camera noted, and with a colour profile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from roadworthy.pipeline.integrity import check
from roadworthy.pipeline.stages import ORIENTS, PROFILES
from roadworthy.preflight.base import BYTES
from roadworthy.preflight.component import Component, unknown
from roadworthy.preflight.decoders import decoded
from roadworthy.preflight.probes.base import probes
from roadworthy.preflight.twins import Twins, is_close
from roadworthy.types import Image

TURNS = tuple(f"exif_{orientation}" for orientation in range(1, 9))
PROFILED = "icc_adobe_rgb"
USUAL = "ignore"


def orient(twins: Twins) -> Component:
    """Name what is done with the EXIF orientation, by one picture in all eight."""
    asked = [n for n in TURNS if n in twins.answers.arrays]
    if len(asked) < len(TURNS):
        missing = ", ".join(n for n in TURNS if n not in asked)
        return unknown("orient", f"no answer to {missing}")
    found = {name: [n for n in TURNS if _is_turned(twins, n, name)] for name in ORIENTS}
    fitting = [name for name, probes_ in found.items() if len(probes_) == len(TURNS)]
    if len(fitting) == 1:
        return Component("orient", fitting[0], f"all {len(TURNS)} orientations{_loader(twins)}")
    if fitting:
        return unknown("orient", "pictures come out alike whichever way they are turned")
    turned = ", ".join(n.removeprefix("exif_") for n in found.get("exif", ()))
    return unknown("orient", f"only orientations {turned or 'none'} come out upright")


def _is_turned(twins: Twins, probe: str, name: str) -> bool:
    return is_close(twins.apart(probe, _turned(probe, name)))


def _turned(probe: str, name: str) -> Image:
    header = check(probes()[probe].data, name=probe)
    image: Image = ORIENTS.get(name).function(decoded(probe, "pillow"), header.exif)
    return image


def profile(twins: Twins) -> Component:
    """Name what is done with a colour profile, by a JPEG in Adobe RGB."""
    if PROFILED not in twins.answers.arrays:
        return unknown(
            "profile", f"no answer to {PROFILED}: {twins.answers.failures.get(PROFILED)}"
        )
    name = twins.which(PROFILED, ((n, partial(_managed, n)) for n in _profiles()))
    if name is None:
        return unknown(
            "profile", "colours of a file in Adobe RGB are neither kept nor brought to sRGB"
        )
    return Component("profile", name, f"a file in Adobe RGB{_loader(twins)}")


def _profiles() -> Iterator[str]:
    yield from sorted(PROFILES, key=lambda n: n != USUAL)


def _managed(name: str) -> Image:
    header = check(probes()[PROFILED].data, name=PROFILED)
    image: Image = PROFILES.get(name).function(decoded(PROFILED, "pillow"), header.icc)
    return image


def _loader(twins: Twins) -> str:
    subject = twins.answers.subject
    return "" if subject.takes == BYTES else ", by the loader before the pipeline"


def every_twin() -> Iterator[tuple[str, Image]]:
    """Yield probe and pixels of all twins that tell what is done with orientation and profile."""
    yield from ((probe, _turned(probe, name)) for probe in TURNS for name in ORIENTS)
    yield from ((PROFILED, _managed(name)) for name in _profiles())
