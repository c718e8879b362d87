"""RobustMQ: a network and itself with fewer bits, under corruptions, attacks and systematic noise."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any, Literal

from roadworthy.errors import UsageError
from roadworthy.models.quantise.settings import Calibration, Quantisation, settled
from roadworthy.spec import Range, Sweep, format_value
from roadworthy.stress.bound import stress
from roadworthy.suites.generators.base import Members, suite
from roadworthy.suites.reading import RESIZERS, decoded, resized

Number = float | Fraction

SOME = ("gaussian_noise", "impulse_noise", "glass_blur", "brightness", "jpeg_compression")
ATTACKS = ("fgsm(eps={eps})", "pgd(eps={eps}, steps=20)")
YUV = "yuv(layout=nv12)"
BITS: Any = Sweep((8, 6, 4, 2))


@suite("bits", "eps", kind=None, headline=None, paper="Xiao et al., RobustMQ, 2023")
def robustmq(
    *,
    budget: Literal["quick", "paper"] = "quick",
    bits: int = BITS,
    eps: Number = Fraction(2, 255),
    calibration: Calibration = "mse",
) -> Members:
    """Judge each model as it is, and as ``quantized(MODEL, bits, calibration=…)`` with fewer bits.

    Clean, under corruptions, attacks at ``eps`` and systematic noise: ``budget=quick`` takes five
    corruptions at severity 3, FGSM and PGD-20, two resizers and 4:2:0 chroma; ``paper`` fifteen
    corruptions at five severities, AutoAttack as well, and the decoders and resizers of ImageNet-S.
    Attacks climb straight-through gradients, and what they make for the float model is shown to the
    others too: where that does more harm gradients are masked, which table, page and summary say. Xiao
    et al. (RobustMQ, 2023) quantise during training, so that theirs keep more accuracy with few bits.
    """
    numbers = _listed(bits)
    how = [_settings(number, calibration) for number in numbers]
    budgets = [format_value(one) for one in _listed(eps)]
    attacks = [*ATTACKS, *(["autoattack(eps={eps})"] if budget == "paper" else [])]
    corruptions = [f"{name}(severity=3)" for name in SOME]
    systematic = [resized("opencv-nearest"), resized("opencv-linear"), YUV]
    if budget == "paper":
        corruptions = list(_fifteen())
        systematic = [decoded("pyav-bicubic"), *map(resized, RESIZERS), YUV]
    factors = {
        "corruptions": corruptions,
        "attacks": [attack.format(eps=value) for value in budgets for attack in attacks],
        "systematic": systematic,
    }
    every = {name: [stress(one).spec for one in members] for name, members in factors.items()}
    return Members(every, derive=partial(_derived, how=how))


def _fifteen() -> tuple[str, ...]:
    from roadworthy.suites.base import suites

    return suites()["imagenet_c"].stresses


def _settings(bits: Any, calibration: Calibration) -> Quantisation:
    try:
        return settled(bits=bits, calibration=calibration)
    except UsageError as error:
        raise UsageError(f"robustmq: {error}") from None


def _derived(model: Any, *, how: list[Quantisation]) -> list[Any]:
    from roadworthy.models.quantise.derived import with_bits

    return with_bits(model, how)


def _listed(given: Any) -> list[Any]:
    """Return the values of a parameter that may have several."""
    if isinstance(given, Range):
        return list(range(int(given.low), int(given.high) + 1))
    return list(given.values) if isinstance(given, Sweep) else [given]
