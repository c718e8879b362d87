"""A device that cannot be called: it gets files, and its tensors come back as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preflight_world import recipe

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.preflight import api
from roadworthy.preflight.findings import findings_of
from roadworthy.preflight.identity import PARTS
from roadworthy.preflight.load import load_pipeline
from roadworthy.preflight.probes.base import probes


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probes")
    said = api.write_probes(folder)
    assert "NAME.npy" in said
    return folder


def device(files: Path, tensors: Path, preprocess: Any) -> None:
    """Do what a device does: each picture through its pipeline, into a file of the same name."""
    tensors.mkdir(exist_ok=True)
    for file in (*files.glob("*.png"), *files.glob("*.jpg")):
        np.save(tensors / f"{file.stem}.npy", preprocess(file.read_bytes()))
    (tensors / "probes.json").write_bytes((files / "probes.json").read_bytes())


def test_a_device_is_identified_as_if_it_were_called(written: Path, tmp_path: Path) -> None:
    preprocess = recipe(bgr=True)
    device(written, tmp_path, preprocess)
    dumped, called = api.identify(f"dump:{tmp_path}"), api.identify(preprocess)
    assert not dumped.unknown
    assert {p: dumped[p].name for p in PARTS} == {p: called[p].name for p in PARTS}


def test_every_picture_of_the_set_is_written_with_its_version(written: Path) -> None:
    pictures = {f.stem for f in written.iterdir() if f.suffix in (".png", ".jpg")}
    assert set(probes()) < pictures
    assert json.loads((written / "probes.json").read_text())["count"] == len(pictures)


def test_names_that_do_not_match_are_refused_with_the_nearest(tmp_path: Path) -> None:
    np.save(tmp_path / "gird_333x471.npy", np.zeros((3, 8, 8)))
    with pytest.raises(UsageError, match=r"named after no probe.*did you mean 'grid_333x471.npy'"):
        api.identify(f"dump:{tmp_path}")


def test_a_few_strange_names_are_noted_and_missing_ones_are_failures(
    written: Path, tmp_path: Path
) -> None:
    device(written, tmp_path, recipe())
    (tmp_path / "flat_0_0_0.npy").unlink()
    np.save(tmp_path / "holiday.npy", np.zeros(3))
    found = api.identify(f"dump:{tmp_path}")
    assert "'holiday.npy' is named after no probe" in found.notes[0]
    assert "no file flat_0_0_0.npy" in dict(found.faults)["dump"]
    assert not found.unknown
    (missing,) = (f for f in findings_of(found) if f.verdict != "ok")
    assert missing.verdict == "warning"
    assert "save NAME.npy of these too" in missing.remedy


def test_a_file_that_vanishes_is_missing(written: Path, tmp_path: Path) -> None:
    device(written, tmp_path, recipe())
    subject = load_pipeline(f"dump:{tmp_path}")
    (tmp_path / "flat_0_0_0.npy").unlink()
    with pytest.raises(RoadworthyError, match=r"no file flat_0_0_0\.npy"):
        subject.give("flat_0_0_0", b"")


def test_probes_of_another_version_are_refused(written: Path, tmp_path: Path) -> None:
    device(written, tmp_path, recipe())
    (tmp_path / "probes.json").write_text('{"digest": "0123"}')
    with pytest.raises(UsageError, match="other probes"):
        api.identify(f"dump:{tmp_path}")
    (tmp_path / "probes.json").write_text("not json")
    with pytest.raises(UsageError, match="cannot be read"):
        api.identify(f"dump:{tmp_path}")


def test_objects_are_never_unpickled(written: Path, tmp_path: Path) -> None:
    device(written, tmp_path, recipe())
    np.save(tmp_path / "flat_0_0_0.npy", np.array([{"a": 1}], object), allow_pickle=True)
    assert "allow_pickle" in dict(api.identify(f"dump:{tmp_path}").faults)["dump"]


def test_folders_that_are_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        api.identify(f"dump:{tmp_path}/nowhere")
    with pytest.raises(UsageError, match=r"no .npy files; write the probes"):
        api.identify(f"dump:{tmp_path}")


def test_probes_are_not_written_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RoadworthyError, match="cannot be written"):
        api.write_probes(tmp_path / "file")
