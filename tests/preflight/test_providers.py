"""Texts that name pipelines: each is read back, and every stage of ours can be said."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES, decoder_names, resizer_names
from roadworthy.preflight import api
from roadworthy.preflight.base import PROVIDERS
from roadworthy.preflight.load import load_pipeline

SIDES = st.integers(1, 2000)


def test_every_field_of_a_pipeline_can_be_said() -> None:
    said = {p.name: p.default for p in PROVIDERS.get("pipeline").parameters}
    ours = {f.name: f.default for f in fields(Pipeline) if f.name != "size"}
    assert {name: said[name] for name in ours} == ours


@given(
    pipeline=st.builds(
        Pipeline,
        st.one_of(st.none(), st.tuples(SIDES, SIDES)),
        decoder=st.sampled_from([n for n in decoder_names() if n in ("pillow", "opencv")]),
        orient=st.sampled_from(["ignore", "exif"]),
        resize=st.sampled_from([n for n in resizer_names() if n.startswith(("pillow", "opencv"))]),
        geometry=st.sampled_from(list(GEOMETRIES)),
        crop=st.floats(0.01, 1).map(lambda f: round(f, 4)),
        resize_to=st.one_of(st.none(), SIDES),
        colour=st.sampled_from(["rgb", "bgr", "grey"]),
        fill=st.one_of(st.none(), st.tuples(*(st.integers(0, 255),) * 3)),
        cmyk=st.sampled_from(["pillow", "opencv"]),
        alpha=st.sampled_from(["drop", "white", "black"]),
        yuv=st.sampled_from(["none", "nv12-bt601-limited"]),
        light=st.sampled_from(["encoded", "linear"]),
    )
)
@settings(max_examples=60, deadline=None)
def test_what_a_pipeline_prints_names_it(pipeline: Pipeline) -> None:
    assert load_pipeline(str(pipeline)).recipe == pipeline
    assert load_pipeline(pipeline).recipe == pipeline


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_providers_say_what_they_take(name: str) -> None:
    definition = PROVIDERS.get(name)
    assert definition.name == name
    assert "Raises UsageError" in definition.doc
    assert PROVIDERS.summary(name)


def test_a_pipeline_of_ours_needs_no_probes() -> None:
    found = api.identify("pipeline(size=224, mean=imagenet, std=imagenet, colour=bgr)")
    assert found.seconds == 0
    assert found["normalisation"].name == "imagenet"
    assert found["geometry"].name == "crop(resize_to=256)"
    assert not found.unknown
