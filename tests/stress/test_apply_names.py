"""What a stress raises becomes the failure of one sample, which it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.apply import corrupted, sequence
from roadworthy.stress.bound import Stress, stress
from roadworthy.types import Image

FRAME = np.zeros((20, 20, 3), np.uint8)
FAULTS = [
    (SampleError("too small"), SampleError, '"a.png": too small'),
    (SampleError('"a.png": too small'), SampleError, '"a.png": too small'),
    (ValueError("odd"), SampleError, '"a.png": {name} failed: ValueError: odd'),
    (UsageError("a.b"), UsageError, "a.b"),
]


def acting(spec: str, function: Callable[..., Any]) -> Stress:
    one = stress(spec)
    return replace(one, definition=replace(one.definition, function=function))


@pytest.mark.parametrize(("fault", "kind", "said"), FAULTS)
def test_faults_name_the_sample(fault: Exception, kind: type[Exception], said: str) -> None:
    def corrupt(image: Image, **_: Any) -> Image:
        raise fault

    def film(image: Image, **_: Any) -> Iterator[Image]:
        yield image
        raise fault

    one = acting("contrast(severity=1)", corrupt)
    with pytest.raises(kind) as caught:
        corrupted(one, one.settings[0], FRAME, sample="a.png", seed=0)
    assert str(caught.value) == said.format(name="contrast")
    frames = sequence(acting("translate", film), {}, FRAME, Pipeline(size=None), sample="a.png")
    assert np.array_equal(next(frames), FRAME)
    with pytest.raises(kind) as caught:
        next(frames)
    assert str(caught.value) == said.format(name="translate")


def test_a_store_that_refuses_names_the_sample() -> None:
    one = stress("contrast(severity=1, store=jpeg)")
    assert one.store is not None
    wide = np.zeros((1, 65_501, 3), np.uint8)
    with pytest.raises(SampleError, match=r'^"a\.png": 65501x1 pixels do not fit'):
        corrupted(one, one.settings[0], wide, sample="a.png", seed=0)


def test_one_bad_sequence_is_one_failed_sample(tmp_path: Path) -> None:
    def moody(image: Image, *, frames: int, **_: Any) -> Iterator[Image]:
        yield image
        if image[..., 2].mean() > 115:
            raise SampleError("too blue")
        for _number in range(frames - 1):
            yield image

    pictures = f"imagefolder:{write_pictures(tmp_path / 'p', each=5)}"
    run = rw.evaluate(
        colour_net(), pictures, [acting("translate(frames=3)", moody)], out=tmp_path / "o"
    )
    rows = run.rows().filter(pl.col("stress") != "clean")
    bad = rows.filter(pl.col("status") == "failed")
    assert 0 < len(bad) < len(rows) == 15
    assert bad["sample"].str.contains("blue").all()
    assert all(
        reason == f'"{name}": too blue' for name, reason in bad.select("sample", "reason").rows()
    )
    fine = rows.filter(pl.col("status") == "ok")
    assert fine["frames_pred"].list.len().unique().to_list() == [3]
