"""Randomised smoothing with a certificate: no change within a radius alters the vote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.smoothing import check_noise, votes
from roadworthy.stress._noise.bits import stream
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import probe
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured
from roadworthy.types import Need

Floats = NDArray[np.float64]


def _check(arguments: Mapping[str, Any]) -> None:
    check_noise("certify", arguments["sigma"], arguments["draws"])
    if arguments["draws0"] < 1:
        raise UsageError(
            f"certify: draws0 is how many noises choose the class, 1 or more, not {arguments['draws0']}"
        )
    if not 0 < arguments["alpha"] < 0.5:
        raise UsageError(
            "certify: alpha is how often a certificate may be wrong, above 0 and below 0.5, not "
            f"{arguments['alpha']}"
        )
    if largest_radius(arguments["sigma"], arguments["draws"], arguments["alpha"]) <= 0:
        raise UsageError(
            f"certify: {arguments['draws']} draws certify nothing at alpha={arguments['alpha']}, even "
            "if they agree; give more draws"
        )


@probe(
    Need.LABELS,
    norms=("L2",),
    everyone=True,
    check=_check,
    passes=lambda given: (given["draws0"] + given["draws"], 0),
    paper="Cohen et al., ICML 2019",
)
def certify(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    sigma: float = 0.25,
    draws0: int = 100,
    draws: int = 1000,
    alpha: float = 0.001,
    rng: BatchDraws,
) -> Measured:
    """Certify how far the vote of the model under Gaussian noise cannot be changed.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; all images are certified, also those that the model
    has wrong. Noise has the standard deviation ``sigma``, pixels in 0 to 1, and is not clipped.
    ``draws0`` noises choose the class, ``draws`` others say in what share of noises the model names
    it at least: the lower Clopper-Pearson bound at level 1 - ``alpha``. Where it is above 1/2 the vote
    is the same at every point within sigma * inverse normal(bound) of the image in Euclidean
    distance; elsewhere it abstains: no class, radius 0. With the probability ``alpha`` at most an
    image gets a radius that is too large. What is certified is the vote, ``smoothed(MODEL)`` with
    endlessly many draws, not the model itself. Cohen, Rosenfeld & Kolter, ICML 2019.
    """
    del goal, geometry  # the vote is certified, right or wrong; the radius is Euclidean
    noise = [stream(_generator(words)) for words in rng.integers(0, 2**63 - 1, (2,))]
    ask = model.at(np.arange(len(x)), images=len(x)).logits
    named = votes(ask, x, noise, sigma=sigma, draws=draws0).argmax(1)
    again = votes(ask, x, noise, sigma=sigma, draws=draws)
    count = again.gather(1, named[:, None]).squeeze(1).cpu().numpy()
    radius = _singles(certified_radius(lower_bound(count, draws, alpha), sigma))
    pairs = zip(named.tolist(), radius.tolist(), strict=True)
    return Measured(
        {
            "certified_class": [label if size > 0 else None for label, size in pairs],
            "certified_radius": radius.tolist(),
        }
    )


def lower_bound(count: NDArray[np.integer], draws: int, alpha: float) -> Floats:
    """Return the Clopper-Pearson bound that a share exceeds at level 1 - ``alpha``, (N,).

    ``count`` (N,) of ``draws`` said yes. The bound is the share at which so many or more would come
    up with the probability ``alpha``; 0 if none did. C. J. Clopper & E. S. Pearson, "The use of
    confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934).
    """
    from scipy.special import betaincinv  # 0.2 s to import

    some = np.maximum(count, 1)
    bound: Floats = np.where(count > 0, betaincinv(some, draws - some + 1, alpha), 0.0)
    return bound


def certified_radius(share: Floats, sigma: float) -> Floats:
    """Return the Euclidean radius that a vote of at least this ``share`` certifies, 0 up to 1/2."""
    from scipy.special import ndtri

    radius: Floats = np.where(share > 0.5, sigma * ndtri(np.maximum(share, 0.5)), 0.0)
    return radius


def largest_radius(sigma: float, draws: int, alpha: float) -> float:
    """Return the radius where all ``draws`` agree: no image can be certified any further."""
    return float(certified_radius(lower_bound(np.array([draws]), draws, alpha), sigma)[0])


def _singles(radius: Floats) -> NDArray[np.float32]:
    """Return radii as the records hold them, rounded down: a certificate is never too large."""
    return np.nextafter(radius.astype(np.float32), np.float32(0))


def _generator(words: NDArray[np.int64]) -> Generator:
    return Generator(Philox(key=int(words[0]) << 64 | int(words[1])))
