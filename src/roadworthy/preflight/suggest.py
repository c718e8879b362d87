"""What to do about each factor: the nearest equivalent call, or training on a mix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.listing import KINDS
from roadworthy.preflight import framing
from roadworthy.preflight.calls import LIBRARIES, OF, call_of, library_of
from roadworthy.preflight.factors import Factor, Reader
from roadworthy.preflight.families import family_of
from roadworthy.preflight.nearest import nearest

EQUIVALENT = 0.3
"""Mean levels within which another resizer is as good as the same."""

MIXED = (
    "or train on a mix: for each batch draw {what} at random, as those of both sides; a network so "
    "trained loses next to nothing on either (Wang et al., SysNoise, MLSys 2023)"
)


@dataclass(frozen=True)
class Suggestion:
    """What to change about one factor of the deployment, and how much nearer that comes, in levels."""

    factor: str
    sentence: str
    now: float | None = None
    then: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def suggestions(
    training: Reader,
    deployment: Reader,
    found: Sequence[Factor],
    *,
    library: str,
    pictures: Mapping[str, bytes] | None = None,
) -> list[Suggestion]:
    """Return what to do about each factor, in its order.

    ``library`` is the package that the deployment reads with, where that is known.
    """
    made = []
    for factor in found:
        if factor.name == "resize":
            made.append(_resize(training, deployment, library, pictures))
        else:
            made.append(Suggestion(factor.name, _ADVICE[factor.name](training, deployment)))
    return made


def _resize(
    training: Reader, deployment: Reader, library: str, pictures: Mapping[str, bytes] | None
) -> Suggestion:
    wanted, used = training.pipeline.resize, deployment.pipeline.resize
    home = OF.get(library, library)
    home = home if home in LIBRARIES else library_of(used)
    near = nearest(training, home, pictures)
    now = next(
        (n.mean for n in nearest(training, library_of(used), pictures) if n.resizer == used), None
    )
    name = LIBRARIES.get(home, home)
    if not near:
        return Suggestion("resize", f"resize with {call_of(wanted)}", now)
    best = near[0]
    gain = "" if now is None else f" ({best.mean:.2f} instead of {now:.2f} levels away)"
    if best.resizer == used:
        said = f"{name} has nothing nearer to {family_of(wanted)}: resize with {call_of(wanted)}, "
        return Suggestion("resize", said + MIXED.format(what="the resizer"), now, best.mean)
    said = f"{call_of(best.resizer)} is the nearest to {wanted} in {name}{gain}"
    if best.mean > EQUIVALENT:
        said += f"; {call_of(wanted)} is the same, {MIXED.format(what='the resizer')}"
    return Suggestion("resize", said, now, best.mean)


def _colour(training: Reader, deployment: Reader) -> str:
    pair = {training.pipeline.colour, deployment.pipeline.colour}
    if pair == {"rgb", "bgr"}:
        return (
            "turn the channels round: cv2.cvtColor(image, cv2.COLOR_BGR2RGB), or image[:, :, ::-1]"
        )
    return f"hand colours over as training did: {training.pipeline.colour}"


def _normalisation(training: Reader, deployment: Reader) -> str:
    del deployment
    numbers = training.numbers
    mean, std = (
        f"({', '.join(f'{v:.5g}' for v in values)})" for values in (numbers.mean, numbers.std)
    )
    return f"(pixels / 255 - mean) / std with mean={mean} and std={std}"


def _decoder(training: Reader, deployment: Reader) -> str:
    used = deployment.pipeline.decoder
    advice = next((text for word, text in _DECODERS.items() if word in used), "")
    other = f"decode with {training.pipeline.decoder}, {MIXED.format(what='the decoder')}"
    return f"{advice}; or {other}" if advice else other


_DECODERS = {
    "ifast": "ask for the accurate DCT: dct_method='INTEGER_ACCURATE' in TensorFlow",
    "no-fancy": "ask for smooth chroma: jpeg_fancy_upsampling=True in DALI, or decode on the CPU",
    "pyav": "leave JPEGs to libjpeg-turbo (Pillow, OpenCV) and FFmpeg to videos",
    "9f": "link Pillow with libjpeg-turbo, as its wheels on PyPI are",
}


def _orient(training: Reader, deployment: Reader) -> str:
    del deployment
    if training.pipeline.orient == "exif":
        return "turn pictures upright: ImageOps.exif_transpose(image), or cv2.IMREAD_COLOR alone"
    flags = "cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION"
    return f"leave pictures as they are stored: {flags}; or turn them in training as well"


def _stage(name: str) -> Callable[[Reader, Reader], str]:
    return lambda training, _: f"do as training does: {_described(name, training.pipeline)}"


def _described(name: str, pipeline: Pipeline) -> str:
    """Return a stage as it is written in a spec, and what it does."""
    value = str(getattr(pipeline, name))
    names, _, summary = KINDS[f"{name}s"]
    more = f" ({summary(value).rstrip('.')})" if value in set(names()) else ""
    return f"{name}={value}{more}"


_ADVICE: dict[str, Callable[[Reader, Reader], str]] = {
    "geometry": framing.advised,
    "colour": _colour,
    "normalisation": _normalisation,
    "decoder": _decoder,
    "orient": _orient,
    **{name: _stage(name) for name in ("profile", "cmyk", "depth", "alpha", "yuv", "light")},
}
