"""The report as values and as lines, and what a sound model gets."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from check_world import DATA, IMAGENET, LABELS, colours, examined, failures, found, wrapped

from roadworthy.data.base import Images
from roadworthy.data.order import order
from roadworthy.engine.options import Options
from roadworthy.errors import SampleError, UsageError
from roadworthy.models.check import Finding, Report, gather, text
from roadworthy.models.check.speed import span
from roadworthy.types import Sample

NAMES = (
    "images",
    "pipeline",
    "classes",
    "weights",
    "outputs",
    "normalisation",
    "repeat",
    "batch",
    "gradient",
    "accuracy",
    "speed",
)


def test_a_sound_model_passes_everything() -> None:
    report = examined(wrapped())
    assert [(f.name, f.verdict) for f in report.findings] == [(name, "ok") for name in NAMES]
    assert report.passed
    assert found(report, "accuracy").sentence.startswith("100.0 % [94.0, 100.0] on 60 images")
    assert text(report).endswith("11 ok, 0 warnings, 0 failed")


def test_text_is_aligned_and_narrow() -> None:
    long = "a sentence of many words " * 9
    report = Report(
        "m",
        "d",
        (
            Finding("one", "ok", "fine"),
            Finding("longer", "failed", long, "do this " * 20),
            Finding("x", "warning", "hm"),
            Finding("y", "skipped", "no"),
        ),
        ("weights of nobody",),
    )
    lines = text(report).splitlines()
    assert lines[0] == "m on d"
    assert lines[1] == "note     weights of nobody"
    assert lines[2] == "ok       one     fine"
    assert lines[3].startswith("failed   longer  a sentence")
    assert lines[4].startswith(" " * 17 + "sentence of many")
    assert any(line.startswith(" " * 17 + "-> do this") for line in lines)
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "1 ok, 1 warning, 1 failed, 1 skipped"


def test_only_failures_stop_it_from_passing() -> None:
    soft = (Finding("a", "warning", ""), Finding("b", "skipped", ""))
    assert Report("m", "d", soft).passed
    assert not Report("m", "d", (*soft, Finding("c", "failed", ""))).passed


def test_as_dict_is_plain() -> None:
    report = Report("m", "d", (Finding("a", "failed", "s", "r"),), ("n",))
    assert json.loads(json.dumps(report.as_dict())) == {
        "model": "m",
        "data": "d",
        "passed": False,
        "notes": ["n"],
        "findings": [{"name": "a", "verdict": "failed", "sentence": "s", "remedy": "r"}],
    }


def test_images_are_the_prefix_that_a_run_uses() -> None:
    report = examined(wrapped(), limit=20)
    assert found(report, "images").sentence == "20 of 20 images read, of 60 there are"
    evidence = gather.gather(wrapped(), DATA, Options(limit=20))
    assert list(evidence.samples) == order(DATA.samples, seed=0)[:20]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gather.gather(wrapped(), DATA, Options(limit=60))
    monkeypatch.setattr(gather, "BLOCK", 7)
    monkeypatch.setattr(gather, "KEPT", 32)
    parts = gather.gather(wrapped(), DATA, Options(limit=60))
    assert parts.samples == whole.samples
    assert (parts.frames == whole.frames[:32]).all()
    assert abs(parts.outputs - whole.outputs).max() < 1e-3
    report = examined(wrapped(mean=IMAGENET[0], std=IMAGENET[1]))
    assert failures(report) == {"normalisation"}
    assert "32 images" in found(report, "normalisation").sentence


def broken(bad: set[int]) -> Images:
    data = colours(LABELS)

    def fetch(sample: Sample) -> bytes:
        if int(sample.location) in bad:
            raise SampleError(f'"{sample.id}": not there')
        return data.fetch(sample)

    return replace(data, fetch=fetch)


def test_unreadable_images_are_counted_and_named() -> None:
    report = examined(wrapped(), broken({3, 4, 5, 6}))
    images = found(report, "images")
    assert images.verdict == "warning"
    assert images.sentence.startswith("56 of 60 images read; ")
    assert images.sentence.count("not there") == 3
    assert images.sentence.endswith("and 1 more")
    assert "on 56 images" in found(report, "accuracy").sentence
    assert failures(examined(wrapped(), broken(set(range(31))))) == {"images"}


def test_nothing_to_read_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"no image of 'colours' can be read: \"i0"):
        examined(wrapped(), broken(set(range(60))))
    with pytest.raises(UsageError, match="'colours' has no images"):
        examined(wrapped(), colours([]))
    with pytest.raises(UsageError, match="limit must be at least 1"):
        examined(wrapped(), limit=0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.01, "1 s"), (119, "119 s"), (120, "2 min"), (7_300, "2 h"), (86_400 * 3, "3 days")],
)
def test_spans_of_time(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_importing_it_imports_no_torch() -> None:
    code = "import sys, roadworthy.models.check; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
