"""Decoders, resizers and geometries by name: listed, shown, and said where a package is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from roadworthy.pipeline import listing
from roadworthy.pipeline.stages import GEOMETRIES, decoder_names, resizer_names

Call = Callable[..., Any]
NAMES = {
    "decoders": set(decoder_names()),
    "resizers": set(resizer_names()),
    "geometries": set(GEOMETRIES),
}


@pytest.mark.parametrize("kind", listing.KINDS)
def test_names_of_every_stage_are_listed_with_a_line(kind: str, call: Call) -> None:
    ended = call("ls", kind, "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert set(found) == NAMES.get(kind, set(found))
    assert found
    assert all(len(line) > 3 for line in found.values())


def test_a_stage_is_shown_by_its_own_name(call: Call) -> None:
    shown = call("show", "opencv-area").out
    assert "opencv-area  (resizers" in shown
    assert "area covered [A]" in shown
    assert "the value 114" in call("show", "letterbox").out
    ended = call("show", "opencv-aera")
    assert ended.code == 2
    assert "did you mean 'opencv-area'?" in ended.err


def test_a_stage_and_a_stress_of_one_name_are_both_shown(call: Call) -> None:
    shown = call("show", "crop").out
    assert shown.index("crop  (stresses") < shown.index("crop  (geometries")


def test_what_is_not_installed_is_marked(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.setattr(listing, "find_spec", lambda name: None if name == "pyvips" else name)
    lines = call("ls", "resizers", "*cubic*").out.splitlines()
    marked = [line.split()[0] for line in lines if "needs roadworthy[decoders]" in line]
    assert marked == ["pyvips-cubic"]


@pytest.mark.parametrize("kind", ["decoders", "yuvs"])
def test_variants_of_one_library_say_what_tells_them_apart(kind: str, call: Call) -> None:
    found = json.loads(call("ls", kind, "--json").out)
    assert len(set(found.values())) == len(found)
    assert (
        "chroma samples repeated" in json.loads(call("ls", "decoders", "--json").out)["pyav-point"]
    )
