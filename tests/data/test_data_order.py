"""The order of samples: what docs/design/sample_order.md promises."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from roadworthy.data.order import order
from roadworthy.seed import digest
from roadworthy.types import Sample

SIZES = st.lists(st.sampled_from([1, 2, 3, 7, 20]), min_size=1, max_size=6)
SEEDS = st.integers(0, 10**6)


def samples_of(sizes: list[int]) -> list[Sample]:
    return [Sample(f"{c}/{i}", c, "") for c, n in enumerate(sizes) for i in range(n)]


@given(SIZES, SEEDS, st.randoms(use_true_random=False))
def test_every_sample_once_and_independent_of_the_order_of_the_files(
    sizes: list[int], seed: int, random: object
) -> None:
    samples = samples_of(sizes)
    ordered = order(samples, seed=seed)
    assert sorted(s.id for s in ordered) == sorted(s.id for s in samples)
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(shuffled, seed=seed) == ordered


@given(SIZES, SEEDS)
def test_each_class_follows_the_hash_of_seed_and_id(sizes: list[int], seed: int) -> None:
    ordered = order(samples_of(sizes), seed=seed)
    for label in range(len(sizes)):
        ids = [s.id for s in ordered if s.label == label]
        assert ids == sorted(ids, key=lambda i: digest("sample", seed, i))


@given(st.integers(1, 6), st.integers(1, 12), SEEDS)
def test_equal_classes_differ_by_at_most_one_in_any_prefix(
    classes: int, size: int, seed: int
) -> None:
    counts = Counter(dict.fromkeys(range(classes), 0))
    for sample in order(samples_of([size] * classes), seed=seed):
        counts[sample.label] += 1
        assert max(counts.values()) - min(counts.values()) <= 1


@given(SIZES, SEEDS)
def test_any_prefix_is_proportional(sizes: list[int], seed: int) -> None:
    counts = Counter(dict.fromkeys(range(len(sizes)), 0))
    for sample in order(samples_of(sizes), seed=seed):
        counts[sample.label] += 1
        # one fraction of the ring explains the counts of all classes, to within one turn each
        at_least = max((counts[c] - 1) / n for c, n in enumerate(sizes))
        at_most = min((counts[c] + 1) / n for c, n in enumerate(sizes))
        assert at_least <= at_most


@given(SIZES, SEEDS, st.data())
def test_one_more_image_changes_at_most_two_members_of_any_prefix(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    label = data.draw(st.integers(0, len(sizes)))
    old = order(samples_of(sizes), seed=seed)
    new = order([*samples_of(sizes), Sample("new", label, "")], seed=seed)
    for length in range(1, len(old) + 1):
        before = {s.id for s in old[:length]}
        assert len({s.id for s in new[:length]} - before) <= 2
    for each in range(len(sizes)):
        kept = [s.id for s in new if s.label == each and s.id != "new"]
        assert kept == [s.id for s in old if s.label == each]


def test_seeds_give_different_orders() -> None:
    samples = samples_of([20, 20])
    first = {tuple(s.id for s in order(samples, seed=seed)[:5]) for seed in range(50)}
    assert len(first) > 45


def test_classes_are_interleaved_differently_for_each_seed() -> None:
    samples = samples_of([1] * 40)
    pairs: Counter[tuple[int, int]] = Counter()
    for seed in range(200):
        labels = [s.label for s in order(samples, seed=seed)]
        pairs.update(pairwise(labels))
    # of 1560 ordered pairs each is expected 5 times; a fixed ring would repeat 40 of them 195 times
    assert len(pairs) > 1500
    assert max(pairs.values()) < 25


def test_a_prefix_is_unbiased_also_with_classes_of_different_size() -> None:
    # 2000 seeds: a share k/n is met to within 4.5 standard errors; entering the ring at its zero
    # point would put the single image first in 1/4 instead of 1/3 of the seeds.
    for sizes, length in (([1, 2], 1), ([1, 9], 2), ([3, 9, 18], 7)):
        samples = samples_of(sizes)
        counts: Counter[str] = Counter()
        for seed in range(2000):
            counts.update(s.id for s in order(samples, seed=seed)[:length])
        share = length / len(samples)
        error = 4.5 * (share * (1 - share) / 2000) ** 0.5
        for sample in samples:
            assert abs(counts[sample.id] / 2000 - share) < error, (sizes, sample.id)
