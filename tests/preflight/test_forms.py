"""Whatever form a pipeline takes its files in and hands its tensors over, it is read; faults have names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from preflight_world import opened, recipe

from roadworthy.errors import UsageError
from roadworthy.models.check.report import Finding
from roadworthy.preflight import api
from roadworthy.preflight.findings import findings_of
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.probes.base import probes

USUAL = recipe()


def numbers(data: bytes) -> Any:
    """Return the usual answer as (3, H, W)."""
    return USUAL(data)[0]


FORMS: dict[str, tuple[Callable[[bytes], Any], str]] = {
    "CHW": (numbers, "CHW float32"),
    "NCHW": (lambda d: numbers(d)[None], "NCHW float32"),
    "HWC": (lambda d: numbers(d).transpose(1, 2, 0), "HWC float32"),
    "NHWC": (lambda d: numbers(d).transpose(1, 2, 0)[None], "NHWC float32"),
    "half": (lambda d: numbers(d).astype(np.float16), "CHW float16"),
    "double": (lambda d: numbers(d).astype(np.float64), "CHW float64"),
    "torch": (lambda d: torch.from_numpy(numbers(d)), "CHW float32"),
    "bfloat16": (lambda d: torch.from_numpy(numbers(d)).bfloat16(), "CHW bfloat16"),
    "with gradient": (lambda d: torch.from_numpy(numbers(d)).requires_grad_(), "CHW float32"),
    "channels last": (
        lambda d: torch.from_numpy(USUAL(d)).to(memory_format=torch.channels_last),
        "NCHW float32",
    ),
    "a list": (lambda d: [numbers(d)], "CHW float32"),
    "a mapping": (lambda d: {"pixel_values": [numbers(d)], "size": (64, 64)}, "CHW float32"),
    "nested lists": (lambda d: numbers(d).tolist(), "CHW float64"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_answers(form: str) -> None:
    preprocess, layout = FORMS[form]
    found = api.identify(preprocess)
    assert found["layout"].name == layout
    assert found["geometry"].name == "crop(resize_to=72)"
    assert found["colour"].name == "rgb"
    if form != "bfloat16":  # three digits do not tell filters apart
        assert found["normalisation"].name == "half"
        assert "pillow-bilinear" in (found["resize"].name, *found["resize"].same)


TAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "bytes": (lambda data: np.asarray(opened(data).resize((64, 64))), "the bytes of a file"),
    "pictures": (lambda picture: np.asarray(picture.resize((64, 64))), "Pillow pictures"),
    "arrays": (lambda array: array[::2, ::2].copy(), "arrays"),
    "tensors": (lambda t: torch.nn.functional.interpolate(t[None].float(), 64), "tensors"),
}


@pytest.mark.parametrize("kind", TAKES)
def test_what_a_pipeline_takes_is_found_out(kind: str) -> None:
    call, takes = TAKES[kind]
    found = api.identify(call)
    assert found.takes == takes
    assert found["colour"].name == "rgb"
    assert found["normalisation"].name == "bytes"
    assert found["decoder"].name == "pillow"
    assert ("not part" in found["decoder"].evidence) == (kind != "bytes")


def failed(found: Identity) -> dict[str, Finding]:
    return {f.name: f for f in findings_of(found) if f.verdict != "ok"}


class Fickle:
    """Answers differently at every call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: bytes) -> Any:
        self.calls += 1
        return numbers(data) + np.float32(0.001 * self.calls)


class Shapeless(Fickle):
    """Answers differently at every call, and never with a picture."""

    def __call__(self, data: bytes) -> Any:
        return super().__call__(data).ravel()


class Flaky(Fickle):
    """Fails three times soon after the first call, and is steady from then on."""

    def __call__(self, data: bytes) -> Any:
        self.calls += 1
        if 1 < self.calls < 5:
            raise OSError("no connection")
        return numbers(data)


class Later(Fickle):
    """Is steady until all probes have been answered, and changes while their twins are asked about."""

    def __call__(self, data: bytes) -> Any:
        self.calls += 1
        return numbers(data) + np.float32(0.01 * max(0, self.calls - len(probes()) - 10))


def only_rgb(data: bytes) -> Any:
    from PIL import Image

    picture = Image.open(__import__("io").BytesIO(data))
    if picture.mode != "RGB":
        raise ValueError(f"cannot read {picture.mode}")
    return numbers(data)


def quits(data: bytes) -> Any:
    raise SystemExit(3)


def never(data: bytes) -> Any:
    raise RuntimeError("out of order")


FAULTS: dict[str, tuple[Callable[[bytes], Any], str, str, str]] = {
    "flattened": (lambda d: numbers(d).ravel(), "layout", "failed", "(12288,), no picture"),
    "one channel": (lambda d: numbers(d)[:1], "layout", "failed", "one channel"),
    "two pictures": (lambda d: np.stack([numbers(d)] * 2), "layout", "failed", "several pictures"),
    "middle": (
        lambda d: numbers(d).transpose(1, 0, 2),
        "layout",
        "failed",
        "channels in the middle",
    ),
    "turned": (lambda d: numbers(d).transpose(0, 2, 1), "geometry", "failed", "are exchanged"),
    "mirrored": (lambda d: numbers(d)[:, :, ::-1], "geometry", "failed", "left and right"),
    "dtype": (lambda d: numbers(d) > 0, "failures", "failed", "bool values, expected numbers"),
    "text": (lambda d: "a tensor", "failures", "failed", "returned str, expected an array"),
    "not finite": (lambda d: numbers(d) * np.nan, "range", "failed", "NaN or infinite"),
    "constant": (lambda d: numbers(d) * 0, "decoder", "warning", "do not show"),
    "twice": (lambda d: numbers(d) / 255, "range", "warning", "change by 0.0078 only"),
    "not once": (lambda d: (numbers(d) + 1) * 510, "range", "warning", "change by 1020"),
    "fickle": (Fickle(), "repeat", "failed", "change from call to call"),
    "flaky": (Flaky(), "repeat", "failed", "change from call to call"),
    "later": (Later(), "repeat", "failed", "change from call to call"),
    "shapeless": (Shapeless(), "repeat", "failed", "change from call to call"),
    "choosy": (only_rgb, "failures", "warning", "ValueError: cannot read"),
    "quits": (quits, "failures", "failed", "SystemExit: 3"),
    "broken": (never, "failures", "failed", "RuntimeError: out of order"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_names(fault: str) -> None:
    preprocess, name, verdict, said = FAULTS[fault]
    found = failed(api.identify(preprocess))
    assert found[name].verdict == verdict
    assert said in found[name].sentence
    assert found[name].remedy or verdict == "warning"


def test_a_constant_answer_gets_no_name_that_pixels_would_have_to_show() -> None:
    found = api.identify(lambda data: numbers(data) * 0)
    assert {c.part for c in found.components if c.known} <= {"layout", "size"}


def test_a_mean_of_nothing_is_nothing() -> None:
    found = api.identify(lambda data: (numbers(data) + 1) / 510)
    assert found.mean == (0.0, 0.0, 0.0)
    assert found.std == pytest.approx((255.0,) * 3, rel=1e-5)


def test_files_that_are_refused_are_said_to_be() -> None:
    found = api.identify(only_rgb)
    assert found["cmyk"].name == found["alpha"].name == "refused"
    assert "grey refused" in found["files"].name
    assert found["resize"].name == "pillow-bilinear"


def test_what_cannot_be_called_is_no_pipeline() -> None:
    with pytest.raises(UsageError, match="int cannot be called"):
        api.identify(3)
