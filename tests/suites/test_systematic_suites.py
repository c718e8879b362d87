"""Suites over ways to read files and to compute networks: their members, and what follows from results."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from roadworthy.engine.records import SCHEMA
from roadworthy.errors import UsageError
from roadworthy.pipeline.families import family_of
from roadworthy.pipeline.stages import decoder_names, resizer_names
from roadworthy.suites import resolve
from roadworthy.suites.bound import BoundSuite
from roadworthy.suites.generators.base import Results
from roadworthy.suites.reading import DECODERS, OTHER_KINDS, RESIZERS, stacked
from roadworthy.suites.worst import worst_of


def suite(text: str) -> BoundSuite:
    return resolve([text])[1][0]


def specs(text: str) -> list[str]:
    return [one.spec for one in suite(text).stresses]


def test_a_star_of_all_has_every_decoder_and_every_resizer_published_ones_first() -> None:
    found = suite("imagenet_s(pipelines=available)")
    decode = [f"decoder(decode={name})" for name in DECODERS]
    resize = [f"resizer(resize={name})" for name in RESIZERS]
    assert list(found.factors["decode"][:3]) == decode
    assert list(found.factors["resize"][:11]) == resize
    assert {text.removeprefix("decoder(decode=")[:-1] for text in found.factors["decode"]} == set(
        decoder_names()
    )
    assert {text.removeprefix("resizer(resize=")[:-1] for text in found.factors["resize"]} == set(
        resizer_names()
    )
    assert specs("imagenet_s(pipelines=published)") == [*decode, *resize]


def test_a_star_has_one_resizer_of_each_kind_by_default() -> None:
    found = suite("imagenet_s")
    kinds = [family_of(name).key for name in (*RESIZERS, *OTHER_KINDS)]
    assert len(set(kinds)) == len(kinds) == 15
    assert found.factors["resize"] == tuple(
        f"resizer(resize={n})" for n in (*RESIZERS, *OTHER_KINDS)
    )
    assert len(found.factors["decode"]) == len(decoder_names())
    assert set(found.factors["resize"]) < set(
        suite("imagenet_s(pipelines=available)").factors["resize"]
    )


def test_the_published_grid_has_thirty_three_pairs() -> None:
    found = specs("imagenet_s(grid=true)")
    assert len(set(found)) == 33
    assert found[1] == "stack(decoder(decode=pillow), resizer(resize=pillow-nearest))"
    every = specs("imagenet_s(grid=true, pipelines=available)")
    assert len(every) == len(decoder_names()) * len(resizer_names())


def test_the_published_protocol_is_another_frame() -> None:
    star = specs("imagenet_s(geometry=squash256, pipelines=published)")
    assert star[0] == "decoder(decode=pillow, frame=squash256)"
    assert star[-1] == "resizer(resize=opencv-lanczos4, frame=squash256)"
    pair = "stack(decoder(decode=opencv), resizer(resize=opencv-area), frame=squash256)"
    given = "imagenet_s(geometry=squash256, decoder=opencv, resize=opencv-area)"
    assert specs(given) == [pair]


def test_single_decoders_and_resizers_can_be_named() -> None:
    assert specs("imagenet_s(resize=[opencv-area, pillow-box])") == [
        "resizer(resize=opencv-area)",
        "resizer(resize=pillow-box)",
    ]
    assert specs("imagenet_s(decoder=pyav)") == ["decoder(decode=pyav)"]
    assert len(specs("imagenet_s(decoder=[pyav, opencv], resize=[opencv-area, pillow-box])")) == 4
    assert len(specs("imagenet_s(grid=true, decoder=pyav)")) == 11


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("imagenet_s(decoder=opencvv)", "did you mean 'opencv'"),
        ("imagenet_s(resize=opencv-neares)", "did you mean 'opencv-nearest'"),
        ("imagenet_s(geometry=tiny)", "expected one of"),
        ("imagenet_s(grid=[true, false])", "expected true or false"),
        ("imagenet_s:path", "takes no path"),
        ("sysnoise(pipelines=all)", "expected one of"),
        ("cifar_s(severity=3)", "takes no parameters"),
    ],
)
def test_misspelt_parameters_are_said_before_anything_is_opened(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        resolve([text])


def test_the_canonical_text_leaves_defaults_out() -> None:
    assert suite("imagenet_s(grid=false, geometry=own)").spec == "imagenet_s"
    assert suite("imagenet_s(pipelines=published, geometry=squash256)").spec == (
        "imagenet_s(geometry=squash256, pipelines=published)"
    )


def test_a_stack_takes_the_frame_of_the_whole() -> None:
    members = ["decoder(decode=pyav, frame=squash256)", "precision(dtype=fp16)"]
    assert stacked(members) == "stack(decoder(decode=pyav), precision(dtype=fp16))"
    framed = "stack(decoder(decode=pyav), precision(dtype=fp16), frame=squash256)"
    assert stacked(members, "squash256") == framed
    assert (
        stacked(["stack(decoder(decode=pyav), frame=squash256)", members[1]], "squash256") == framed
    )


# the worst of each kind


def judged(right: list[int], pred: list[int] | None = None, kl: float = 0.1) -> pl.DataFrame:
    """Return records of a few images; what is wrong is taken for class 1 unless ``pred`` says."""
    size = len(right)
    given = {
        "sample": [f"s{k}" for k in range(size)],
        "correct": [bool(one) for one in right],
        "pred": pred or [1 - one for one in right],
        "kl_ref": [kl] * size,
    }
    empty: pl.DataFrame = pl.DataFrame(schema=SCHEMA)
    return pl.concat([empty, pl.DataFrame(given)], how="diagonal_relaxed")


CLEAN = judged([1, 1, 1, 1, 0, 0])


def results(rows: Mapping[str, pl.DataFrame], of: str = "") -> Results:
    return Results(rows, CLEAN, suite(of).factors if of else {})


def test_the_worst_is_that_with_the_largest_drop() -> None:
    rows = {
        "a": judged([1, 1, 1, 0, 0, 0]),
        "b": judged([1, 1, 0, 0, 1, 0]),
        "c": judged([1, 0, 0, 1, 0, 0]),
    }
    assert worst_of(["a", "b", "c", "absent"], results(rows)) == "c"
    assert worst_of(["absent"], results(rows)) is None
    # of equal drops that which changes more, then that which moves probabilities more, then the first
    assert worst_of(["a", "b"], results(rows)) == "b"
    rows |= {"d": judged([1, 1, 1, 0, 0, 0], kl=0.3), "e": judged([1, 1, 1, 0, 0, 0], kl=0.3)}
    assert worst_of(["a", "e", "d"], results(rows)) == "e"
    # an option that helps is worst where all help more
    better = {"x": judged([1, 1, 1, 1, 1, 1]), "y": judged([1, 1, 1, 1, 1, 0])}
    assert worst_of(["x", "y"], results(better)) == "y"


def test_only_images_that_were_judged_clean_as_well_count() -> None:
    rows = {"a": judged([0, 1, 1, 1, 0, 0]), "b": judged([1, 1, 1, 1, 0, 0])}
    found = Results({"a": rows["a"], "b": rows["b"]}, CLEAN.filter(pl.col("sample") != "s0"))
    assert worst_of(["b", "a"], found) == "b"


def test_sysnoise_stacks_the_worst_of_each_kind_in_the_published_order() -> None:
    published = "sysnoise(pipelines=published)"
    following = suite(published).following
    assert following is not None
    bad, worse = judged([0, 1, 1, 1, 0, 0]), judged([0, 0, 1, 1, 0, 0])
    rows = {
        "resizer(resize=pillow-box)": bad,
        "resizer(resize=opencv-nearest)": worse,
        "decoder(decode=pyav-bicubic)": bad,
        "decoder(decode=opencv)": judged([1, 1, 1, 1, 0, 0]),
    }
    both = "stack(decoder(decode=pyav-bicubic), resizer(resize=opencv-nearest))"
    assert following(results(rows, published))[0] == both
    # where no decoder had results of its own, there is one kind left and nothing to stack
    alone = {text: found for text, found in rows.items() if text.startswith("resizer")}
    assert list(following(results(alone, published))) == []
    # what has been stacked does not change what is asked for
    again = following(results({**rows, both: judged([0] * 6)}, published))
    assert list(again) == list(following(results(rows, published)))


def test_in_the_published_geometry_everything_is_in_its_frame() -> None:
    text = "sysnoise(geometry=squash256)"
    found = suite(text)
    assert {one.frame for one in found.stresses} == {"squash256"}
    assert found.following is not None
    rows = {one.spec: judged([0, 1, 1, 1, 0, 0]) for one in found.stresses}
    last = resolve([found.following(results(rows, text))[-1]])[0][0]
    assert [member.name for member in last.members] == [
        "decoder",
        "resizer",
        "yuv",
        "quantize",
        "ceil_mode",
    ]
    assert last.frame == "squash256"


def test_the_order_of_records_decides_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = {f"r{k}": judged(rng.integers(0, 2, 6).tolist(), kl=0.1 * k) for k in range(6)}
    shuffled = {
        text: found.sample(fraction=1, shuffle=True, seed=3) for text, found in rows.items()
    }
    assert worst_of(list(rows), results(rows)) == worst_of(list(rows), results(shuffled))
