"""Stored benchmarks as data: which part is asked for, and whether it is there whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.spec import Range, Sweep

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""The fifteen corruptions that ImageNet-C and CIFAR-10-C are scored on, in their order."""

PERTURBATIONS = (
    *("gaussian_noise", "shot_noise", "motion_blur", "zoom_blur", "snow"),
    *("brightness", "translate", "rotate", "tilt", "scale"),
)
"""The ten perturbations that ImageNet-P is scored on, in their order."""

NOISE_FILMS = ("gaussian_noise", "shot_noise", "speckle_noise")
"""Perturbations whose frames are independent of one another: compared with the first of all."""

OTHER_FILMS = ("speckle_noise", "gaussian_blur", "spatter", "shear")
"""Perturbations that are published beside the ten."""

_MOVES = ("translate", "rotate", "tilt", "scale", "shear")

SEVERITIES = (1, 2, 3, 4, 5)

Names = Sweep | tuple[str, ...] | str
Numbers = Sweep | Range | tuple[int, ...] | int


def live_name(perturbation: str) -> str:
    """Return the stress that makes the films of a perturbation; others share a corruption's name."""
    return perturbation if perturbation in _MOVES else f"{perturbation}_sequence"


def names_of(given: Names | None, default: Sequence[str], *, what: str, spec: str) -> list[str]:
    """Return the names asked for, each once; raises UsageError for what can be no name."""
    names = [str(name) for name in _members(given)] if given is not None else list(default)
    for name in names:
        if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
            raise UsageError(
                f"{spec}: {what} '{name}' is no name; expected names such as {default[0]}"
            )
    return list(dict.fromkeys(names))


def severities_of(given: Numbers | None, *, spec: str) -> list[int]:
    """Return the severities asked for, each once; raises UsageError unless they are 1 to 5."""
    numbers = list(_members(given)) if given is not None else list(SEVERITIES)
    for number in numbers:
        if number not in SEVERITIES or isinstance(number, bool):
            raise UsageError(f"{spec}: severity is 1 to 5, not {number}")
    return list(dict.fromkeys(numbers))


def _members(given: Any) -> Iterable[Any]:
    if isinstance(given, Sweep):
        return given.values
    if isinstance(given, Range):
        if not (isinstance(given.low, int) and isinstance(given.high, int)):
            return (given.low,)
        return range(given.low, min(given.high, given.low + 99) + 1)
    return given if isinstance(given, tuple) else (given,)


def places(
    root: Path,
    names: Sequence[str],
    *,
    suffix: str,
    what: str,
    spec: str,
    inside: Sequence[str] = (),
) -> dict[str, Path]:
    """Return where each name is: in ``root``, or in one of its folders ``inside``.

    Raises UsageError naming all that are missing, what is there, and how to ask for that part.
    """
    found: dict[str, Path] = {}
    for name in names:
        for folder in (root, *(root / part for part in inside)):
            place = folder / f"{name}{suffix}"
            if place.is_file() if suffix else place.is_dir():
                found[name] = place
                break
    missing = [name for name in names if name not in found]
    if not missing:
        return found
    there = sorted(
        path.name.removesuffix(suffix)
        for path in _listed(root, spec)
        if path.name.endswith(suffix) and not path.name.startswith(".")
        if suffix or path.is_dir()
    )
    part = f"{what}s=[{', '.join(found)}]" if found else f"{what}s=[...]"
    raise UsageError(
        f"{spec}: {', '.join(missing)} missing{did_you_mean(missing[0], there)} "
        f"(found {', '.join(there[:20]) or 'nothing'}); the published set is whole, for a part "
        f"write {spec}({part})"
    )


def _listed(root: Path, spec: str) -> list[Path]:
    try:
        return list(root.iterdir())
    except OSError as error:
        raise UsageError(f"{spec}: cannot be listed: {error.strerror}") from None


def check_same(lists: Mapping[str, Sequence[str]], *, spec: str) -> None:
    """Raise UsageError unless every part holds the same images."""
    (first, expected), *others = lists.items()
    for part, files in others:
        if files == expected:
            continue
        lacking, surplus = set(expected) - set(files), set(files) - set(expected)
        said = f"lacks {len(lacking)} images of {first}" if lacking else "has other images"
        example = min(lacking or surplus)
        raise UsageError(
            f"{spec}: {part} {said} ('{example}'{'' if lacking else f' is not in {first}'}); "
            f"every part of a benchmark holds the same images: copy it again, or leave it out"
        )
