"""Readers that cannot run here: n/a with the reason, beside all that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.errors import InapplicableError, MissingPackageError
from roadworthy.pipeline import backend
from roadworthy.pipeline.base import Pipeline, validate
from roadworthy.pipeline.recipe import stages_of
from roadworthy.stress import STRESSES

TORCH = "resizer(resize=[opencv-nearest, torch-area, pillow-box])"
Hide = Callable[[str], None]


def forget() -> None:
    """Let the next look at a package be the first of the process."""
    backend._missing.cache_clear()
    stages_of.cache_clear()


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hide]:
    """Let a package look as if it were not installed; nothing else about it changes."""

    def hidden(package: str) -> None:
        def importing(name: str) -> object:
            if name == package:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            return import_module(name)

        forget()
        monkeypatch.setattr(backend, "import_module", importing)

    yield hidden
    forget()


@pytest.fixture
def data(tmp_path: Path) -> str:
    return f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"


def variants(run: rw.Run) -> list[str]:
    rows = run.rows().filter(pl.col("stress") == TORCH)
    return rows["variant"].unique().sort().to_list()


def reasons(run: rw.Run) -> dict[str, str]:
    return {entry["stress"]: entry["reason"] for entry in run.summary["unavailable"]}


def test_a_missing_package_costs_its_variants_alone_and_is_named(
    data: str, tmp_path: Path, hide: Hide
) -> None:
    hide("torch")
    run = rw.evaluate(colour_net(), data, TORCH, out=tmp_path / "out")
    assert variants(run) == ["resize=opencv-nearest", "resize=pillow-box"]
    assert reasons(run) == {
        "resizer(resize=torch-area)": "the resizer 'torch' needs the package torch (not installed): "
        "pip install 'roadworthy[torch]'"
    }


def test_once_it_is_installed_the_same_command_runs_what_was_missing(
    data: str, tmp_path: Path, hide: Hide, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide("torch")
    rw.evaluate(colour_net(), data, TORCH, out=tmp_path / "out")
    forget()
    monkeypatch.setattr(backend, "import_module", import_module)
    run = rw.evaluate(colour_net(), data, TORCH, out=tmp_path / "out")
    assert len(variants(run)) == 3
    assert reasons(run) == {}


def test_what_alone_was_asked_for_is_an_error(data: str, tmp_path: Path, hide: Hide) -> None:
    hide("torch")
    with pytest.raises(rw.UsageError, match=r"needs the package torch .*roadworthy\[torch\]"):
        rw.evaluate(colour_net(), data, "resizer(resize=torch-area)", out=tmp_path / "out")
    asked = ["resizer(resize=torch-area)", "resizer(resize=pillow-box)"]
    run = rw.evaluate(colour_net(), data, asked, out=tmp_path / "out")
    assert list(reasons(run)) == ["resizer(resize=torch-area)"]
    assert len(run.rows()) == 12


def test_a_broken_package_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(name: str) -> object:
        raise OSError(f"lib{name}.so.42:\n cannot open shared object file")

    forget()
    monkeypatch.setattr(backend, "import_module", importing)
    with pytest.raises(MissingPackageError, match=r"\(OSError: libtorch.so.42: cannot open"):
        validate(Pipeline((8, 8), resize="torch-area"))
    forget()


def test_a_misspelt_name_in_a_list_is_an_error_before_anything_runs(
    data: str, tmp_path: Path
) -> None:
    with pytest.raises(rw.UsageError, match="did you mean 'pillow-box'"):
        rw.evaluate(
            colour_net(), data, "resizer(resize=[pillow-bux, torch-area])", out=tmp_path / "out"
        )
    with pytest.raises(rw.UsageError, match="did you mean 'squash'"):
        rw.evaluate(colour_net(), data, "geometry(geometry=sqash)", out=tmp_path / "out")


def test_without_a_frame_of_its_own_a_model_has_no_geometry(data: str, tmp_path: Path) -> None:
    asked = ["clean", "geometry(geometry=squash)", "crop(crop=0.9)"]
    run = rw.evaluate(colour_net(size=None), data, asked, out=tmp_path / "out")
    assert len(reasons(run)) == 2
    assert all("in their own size" in reason for reason in reasons(run).values())


OWN = Pipeline((224, 224), resize_to=232, resize="pillow-bicubic", decoder="opencv")


def read(name: str, pipeline: Pipeline, **arguments: object) -> Pipeline:
    result: Pipeline = STRESSES.get(name).function(pipeline, **arguments)
    return result


def test_another_geometry_keeps_all_else_and_as_much_as_the_models_own() -> None:
    same = read("geometry", OWN, geometry="crop")
    assert same is OWN
    rounded = read("geometry", OWN, geometry="rounded_crop")
    assert (rounded.geometry, rounded.resize_to) == ("rounded_crop", 232)
    assert (rounded.resize, rounded.decoder, rounded.size) == (OWN.resize, "opencv", (224, 224))
    assert read("geometry", OWN, geometry="central_crop").crop == 224 / 232
    squash = read("geometry", OWN, geometry="squash")
    assert (squash.geometry, squash.resize_to) == ("squash", None)
    assert read("geometry", OWN, geometry="squash", resize_to=256).resize_to == 256


def test_another_crop_fraction_replaces_an_explicit_side() -> None:
    cropped = read("crop", OWN, crop=0.9)
    assert (cropped.crop, cropped.resize_to, cropped.geometry) == (0.9, None, "crop")
    with pytest.raises(InapplicableError, match="'letterbox' takes no crop fraction"):
        read("crop", Pipeline((8, 8), geometry="letterbox"), crop=0.9)
