"""Every prefix of every container is refused; no damage ends in anything but an image or a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_files import SMALL

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.integrity import check

AS_IS = Pipeline(None)
WAYS = (AS_IS, Pipeline(None, decoder="opencv", orient="exif"))


@pytest.mark.parametrize("name", SMALL)
def test_every_prefix_is_refused_and_the_whole_is_not(name: str) -> None:
    data = SMALL[name]
    for pipeline in WAYS:
        decode(data, pipeline, name="x")
    for length in range(len(data)):
        with pytest.raises(SampleError, match=r'^"x": .*leave it out$'):
            check(data[:length], name="x")


def outcome(data: bytes, pipeline: Pipeline) -> str:
    try:
        return f"an image of {decode(data, pipeline, name='x').shape}"
    except SampleError as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_flipped_bytes_decode_or_are_refused(draw: st.DataObject) -> None:
    data = bytearray(SMALL[draw.draw(st.sampled_from(sorted(SMALL)))])
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    for pipeline in WAYS:
        assert outcome(bytes(data), pipeline).startswith(('"x": ', "an image of "))


HEADS = [SMALL[k][:n] for k in SMALL if not k.startswith("p") or k == "png" for n in (2, 8, 12, 26)]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(HEADS), st.binary())
def test_noise_behind_a_signature_is_refused(head: bytes, tail: bytes) -> None:
    with pytest.raises(SampleError, match=r'^"x": '):
        decode(head + tail, AS_IS, name="x")
