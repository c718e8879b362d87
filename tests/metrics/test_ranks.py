"""Distances of rankings: the published test vectors, ties, few classes, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.metrics.ranks import top5_distance, zipf_distance

FEW = range(1000)


def ranked(classes: list[int]) -> NDArray[np.float32]:
    """Return logits that rank these classes first, and all others after them in order."""
    order = [*classes, *(c for c in FEW if c not in classes)]
    logits = np.empty(len(order), np.float32)
    logits[order] = np.linspace(3, -3, len(order))
    return logits


# the class of each new rank, ranks of the reference counted from 0
VECTORS = {
    "identity": ([], 0, 0.0),
    "swap 1 and 2": ([1, 0], 2, 0.75),
    "swap 5 and 6": ([0, 1, 2, 3, 5, 4], 1, 0.012222),
    "swap 1 and 5": ([4, 1, 2, 3, 0], 8, 0.96),
    "swap 1 and 1000": ([999, *range(1, 999), 0], 5, 0.999999),
    "first to last": ([*range(1, 1000), 0], 9, 1.354065),
    "last to first": ([999], 5, 0.645933),
    "ranks 1-5 and 6-10": ([5, 6, 7, 8, 9, 0, 1, 2, 3, 4], 15, 1.377454),
    "reversal": (list(reversed(FEW)), 15, 1.641938),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published_vectors(name: str) -> None:
    classes, top5, zipf = VECTORS[name]
    reference, new = ranked([])[None], ranked(classes)[None]
    assert top5_distance(reference, new).tolist() == [top5]
    assert zipf_distance(reference, new)[0] == pytest.approx(zipf, abs=5e-7)


def test_names_of_classes_do_not_matter_and_images_stay_apart() -> None:
    renamed = np.random.default_rng(0).permutation(1000)
    logits = np.stack([ranked(VECTORS[name][0])[renamed] for name in VECTORS])
    reference = np.repeat(ranked([])[renamed][None], len(logits), axis=0)
    assert top5_distance(reference, logits).tolist() == [v[1] for v in VECTORS.values()]
    expected = [v[2] for v in VECTORS.values()]
    np.testing.assert_allclose(zipf_distance(reference, logits), expected, atol=5e-7)


def test_equal_logits_rank_by_class_index() -> None:
    reference = np.array([[2.0, 2.0, 1.0, 1.0]])  # ranks 1 2 3 4
    new = np.array([[1.0, 2.0, 1.0, 2.0]])  # ranks 3 1 4 2
    assert top5_distance(reference, new).tolist() == [2 + 1 + 1 + 2]
    shares = 1 / np.array([3, 1, 4, 2])
    plain = sum(1 / i * abs(1 / i - share) for i, share in enumerate(shares, start=1))
    assert zipf_distance(reference, new)[0] == pytest.approx(plain)


def test_few_classes_and_no_images() -> None:
    assert top5_distance([[3.0]], [[-1.0]]).tolist() == [0]
    assert zipf_distance([[3.0]], [[-1.0]]).tolist() == [0]
    assert top5_distance([[1.0, 0.0]], [[0.0, 1.0]]).tolist() == [2]
    assert zipf_distance([[1.0, 0.0]], [[0.0, 1.0]]).tolist() == [0.75]
    assert top5_distance(np.empty((0, 7)), np.empty((0, 7))).shape == (0,)


def test_distances_agree_with_plain_loops() -> None:
    draws = np.random.default_rng(1)
    for classes in (1, 3, 6, 40):
        both = draws.integers(0, 9, (2, 50, classes)).astype(float)
        for reference, new, top5, zipf in zip(
            *both, top5_distance(*both), zipf_distance(*both), strict=True
        ):
            first = sorted(range(classes), key=lambda c: (-reference[c], c))
            second = sorted(range(classes), key=lambda c: (-new[c], c))
            rank = [second.index(c) + 1 for c in first]
            assert top5 == sum(abs(i - min(r, 6)) for i, r in enumerate(rank[:5], start=1))
            plain = sum(1 / i * abs(1 / i - 1 / r) for i, r in enumerate(rank, start=1))
            assert zipf == pytest.approx(plain)


@pytest.mark.parametrize("distance", [top5_distance, zipf_distance])
def test_what_cannot_be_ranked_is_refused(distance: object) -> None:
    assert callable(distance)
    with pytest.raises(UsageError, match=r"logits of \(2, 3\) and \(2, 4\)"):
        distance(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(UsageError, match="two arrays of"):
        distance(np.zeros(3), np.zeros(3))
    with pytest.raises(UsageError, match="NaN"):
        distance([[1.0, 2.0]], [[1.0, np.nan]])
