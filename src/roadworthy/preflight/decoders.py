"""Which decoder reads the JPEGs of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from roadworthy.errors import RoadworthyError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.integrity import check
from roadworthy.pipeline.stages import decoder_names, find_decoder
from roadworthy.preflight.base import BYTES
from roadworthy.preflight.component import Component, unknown
from roadworthy.preflight.match import Match
from roadworthy.preflight.probes.base import CHROMA, probes
from roadworthy.preflight.twins import Twins, changes, is_close
from roadworthy.seed import digest
from roadworthy.types import Image

JPEGS = (*(f"jpeg_{chroma}" for chroma in CHROMA), "jpeg_progressive")
LARGE = "jpeg_large"
MOST_USUAL = "pillow"


def decoder(twins: Twins) -> Component:
    """Name the decoder of a pipeline, by JPEGs of every chroma layout and their lossless twins."""
    subject = twins.answers.subject
    if subject.takes != BYTES:
        said = (
            f"not part of the pipeline, which takes {subject.takes}: opened by Pillow as loaders do"
        )
        return Component("decoder", subject.decoder, said)
    asked = [n for n in JPEGS if n in twins.answers.arrays]
    if not asked:
        why = next((twins.answers.failures[n] for n in JPEGS if n in twins.answers.failures), "")
        return unknown("decoder", f"no JPEG is answered: {why}")
    found = {MOST_USUAL: _agreement(twins, asked, MOST_USUAL)}
    if found[MOST_USUAL].largest > 0:
        found |= {names[0]: _agreement(twins, asked, names[0]) for names in classes()[1:]}
    best = min(found, key=lambda name: (found[name].largest > found[name].noise, found[name].mean))
    if not is_close(found[best]):
        return unknown("decoder", _differs(found, best))
    if LARGE in twins.answers.arrays and not is_close(twins.apart(LARGE, decoded(LARGE, best))):
        return unknown(
            "decoder",
            f"small JPEGs are read as by {best}, large ones are not: perhaps at a reduced size",
        )
    match = found[best]
    if not twins.tells(asked[0], decoded(asked[0], best)):
        return unknown("decoder", "the answers do not show by what decoders differ")
    exactly = "bit for bit" if not match.largest else f"within {match.largest:.2g} of 255 levels"
    return Component("decoder", best, f"{len(asked)} chroma layouts, {exactly}", _same(best))


def _same(best: str) -> tuple[str, ...]:
    """Return decoders with the same pixels: of Pillow only OpenCV is looked at, to import no more."""
    if best != MOST_USUAL:
        return next(names for names in classes() if names[0] == best)[1:]
    other = "opencv"
    alike = all((decoded(n, other) == decoded(n, best)).all() for n in JPEGS)
    return (other,) if alike else ()


def _agreement(twins: Twins, asked: list[str], name: str) -> Match:
    worst = Match(0.0, 0.0)
    for probe in asked:
        worst = worst.and_(twins.apart(probe, decoded(probe, name)))
        if not is_close(worst):
            break
    return worst


def _differs(found: Mapping[str, Match], best: str) -> str:
    if found[best].largest >= 255:
        return f"none of {', '.join(found)} makes such pixels of the JPEGs"
    return f"the nearest is {best}, {found[best].mean:.2g} of 255 levels away on average"


@cache
def decoded(probe: str, name: str) -> Image:
    """Return a JPEG probe as pixels by a registered decoder."""
    header = check(probes()[probe].data, name=probe)
    image: Image = find_decoder(name).function(header.pixels)
    return image


@cache
def classes() -> tuple[tuple[str, ...], ...]:
    """Return the decoders that are usable here in groups that agree bit for bit, Pillow's first."""
    groups: dict[str, list[str]] = {}
    for name in sorted(decoder_names(), key=lambda n: (n != MOST_USUAL, n)):
        try:
            require(find_decoder(name))
            pixels = [decoded(probe, name).tobytes() for probe in JPEGS]
        except (RoadworthyError, ImportError):
            continue
        groups.setdefault(digest(*pixels), []).append(name)
    return tuple(map(tuple, groups.values()))


def every_twin() -> Iterator[tuple[str, Image]]:
    """Yield probe and pixels of all twins that tell decoders apart."""
    for names in classes():
        yield from ((probe, decoded(probe, names[0])) for probe in JPEGS)
        yield from ((JPEGS[0], pixels) for pixels in changes(decoded(JPEGS[0], names[0])))
    yield LARGE, decoded(LARGE, MOST_USUAL)
