"""`make "sis(…)"` and `make "keep(…)"`: pictures, masks, what is said of them, and the way back."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS
from numpy.typing import NDArray
from PIL import Image
from ranked_world import at, kept_order, subsets, sure_net
from transfer_world import pictures, tinted

import roadworthy as rw
from roadworthy import UsageError, make
from roadworthy.cli import _exit_code
from roadworthy.errors import RoadworthyError
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.base import run as prepared
from roadworthy.run import Run
from roadworthy.types import Classes, Classifier

SPEC = "sis(threshold=0.6, fractions=(0.1, 0.3))"
SETS = ["fraction=0.1", "fraction=0.3", "threshold=0.6"]
RANDOM = ["control=random_subset,fraction=0.1", "control=random_subset,fraction=0.3"]
MEAN = (0.5, 0.25, 0.75)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return pictures(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def made(data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    result = make(SPEC, data, out, model=sure_net(1), control="random_subset")
    assert result.written == len(listed(out))
    assert not result.failures
    return out


def shifted_net() -> Classifier:
    """Return a network whose normalisation has a mean."""
    net = tinted(1)
    net.conv.weight.data *= 8
    return rw.wrap(net, size=8, name="shifted", mean=MEAN, classes=Classes(3, COLOURS))


def listed(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def frames(data: str, net: Classifier) -> dict[str, NDArray[np.uint8]]:
    dataset = rw.open(data)
    return {s.id: prepared(dataset.read(s), net.pipeline, name=s.id) for s in dataset.samples}


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*.png")
    }


def test_pictures_are_the_image_where_kept_and_the_cover_elsewhere(data: str, made: Path) -> None:
    originals, seen = frames(data, sure_net(1)), 0
    run = Run(made / "run")
    assert sorted(p.name for p in (made / "sis").iterdir()) == sorted(
        [*SETS, *RANDOM, "threshold=0.6,control=random_subset"]
    )
    for entry in listed(made):
        told = entry.get("subset")
        if told is None:
            continue
        shown, mask = opened(made / entry["file"]), opened(made / "masks" / entry["file"])
        assert mask.dtype == np.bool_
        original = originals[entry["sample"]]
        assert np.array_equal(shown[mask], original[mask])
        assert (shown[~mask] == 0).all()
        assert told["kept"] == pytest.approx(mask.mean())
        assert entry["file"].split("/")[2] == entry["sample"].split("/")[0]  # its class
        if entry["variant"] in SETS:
            row = (
                at(subsets(run), entry["variant"]).filter(sample=entry["sample"]).row(0, named=True)
            )
            expected = kept_order(run, row) >= 64 - round(64 * told["kept"])
            assert np.array_equal(mask, expected)
        seen += 1
    assert seen > 60
    sizes = {e["variant"]: e["subset"]["kept"] for e in listed(made) if e.get("subset")}
    assert sizes["fraction=0.1"] == pytest.approx(7 / 64)
    assert sizes["fraction=0.3"] == pytest.approx(20 / 64)


def test_random_subsets_are_as_large_and_lie_elsewhere(made: Path) -> None:
    for name in ("fraction=0.3", "threshold=0.6"):
        random = (
            f"control=random_subset,{name}"
            if "fraction" in name
            else f"{name},control=random_subset"
        )
        for path in sorted((made / "masks" / "sis" / name).rglob("*.png")):
            own = opened(path)
            other = opened(made / "masks" / "sis" / random / path.relative_to(path.parents[1]))
            assert own.sum() == other.sum()
            assert not np.array_equal(own, other)


def test_the_mean_colour_covers_what_is_gone(data: str, tmp_path: Path) -> None:
    spec = "sis(threshold=0.5, fractions=(0.2))"
    make(spec, data, tmp_path / "out", model=shifted_net(), limit=4)
    for entry in listed(tmp_path / "out"):
        if entry.get("subset"):
            shown = opened(tmp_path / "out" / entry["file"])
            mask = opened(tmp_path / "out" / "masks" / entry["file"])
            assert (shown[~mask] == np.rint(255 * np.array(MEAN))).all()
            assert entry["subset"]["mask"] == "mean"


@pytest.mark.parametrize("name", ["threshold=0.6", "fraction=0.1", "fraction=0.3"])
def test_what_is_written_is_judged_as_in_the_live_run(
    data: str, made: Path, tmp_path: Path, name: str
) -> None:
    """Black covers without rounding, so that every verdict is the same to the last bit but one."""
    live = rw.evaluate(sure_net(1), data, SPEC, out=tmp_path / "live")
    stored = rw.evaluate(
        sure_net(1),
        f"imagefolder:{made / 'sis' / name}",
        "clean(frame=untouched)",
        out=tmp_path / "s",
    )
    own = at(subsets(live), name).filter(pl.col("kept").is_not_null())
    again = stored.rows().filter(pl.col("stress") == "clean(frame=untouched)").sort("sample")
    assert again["sample"].to_list() == own["sample"].to_list()
    for column in ("label", "pred", "correct"):
        assert again[column].to_list() == own[column].to_list(), column
    np.testing.assert_allclose(again["conf"], own["conf"], atol=1e-6)
    facts = {
        e["sample"]: e["subset"] for e in listed(made) if e["variant"] == name and "subset" in e
    }
    for row in own.iter_rows(named=True):
        told = facts[row["sample"]]
        assert told["confidence"] == pytest.approx(row["conf_target"], abs=2e-6)
        assert (told["target"], told["pred"]) == (row["target"], row["pred"])
        assert told["sufficient"] == row["sufficient"]


def test_whether_it_suffices_is_told_of_every_picture_at_a_threshold(made: Path) -> None:
    told = [e["subset"] for e in listed(made) if e.get("subset")]
    at_threshold = [one for one in told if one["threshold"] is not None]
    for one in at_threshold:
        assert one["sufficient"] == (one["confidence"] >= one["threshold"])
    assert {one["sufficient"] for one in at_threshold} == {True, False}  # random ones do not
    assert {one["sufficient"] for one in told if one["threshold"] is None} == {None}


def test_the_note_names_the_model_and_the_manifest_every_file(data: str, made: Path) -> None:
    note = json.loads((made / "make.json").read_text())
    net = sure_net(1)
    assert (note["model"], note["fingerprint"], note["data"]) == ("net1", net.id, data)
    assert note["folders"]["sis/fraction=0.1"]["mask"] == "mean"
    assert note["folders"]["sis/threshold=0.6"]["variant"] == "threshold=0.6"
    assert note["seed"] == 0
    assert "torch" in note["versions"]
    for entry in listed(made):
        assert hashlib.sha256((made / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    files = {str(p.relative_to(made)) for p in made.rglob("*.png")}
    assert files == {entry["file"] for entry in listed(made)}
    left = [json.loads(line) for line in (made / "left_out.jsonl").read_text().splitlines()]
    written = {e["sample"] for e in listed(made) if e["variant"] == "threshold=0.6"}
    assert {e["sample"] for e in left if e["variant"] == "threshold=0.6"}.isdisjoint(written)
    assert all("sure of the whole image, below 0.6" in e["reason"] for e in left)


def test_the_same_call_makes_nothing_and_repairs_what_is_damaged(
    data: str, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    before = hashes(out)
    again = make(SPEC, data, out, model=sure_net(1), control="random_subset")
    assert (again.written, again.kept) == (0, len(before))
    assert list(Run(out / "run").runs[-1]["crafted"].values()) == [0]
    victim = next((out / "sis" / "fraction=0.3").rglob("*.png"))
    victim.write_bytes(b"damaged")
    next((out / "masks" / "sis" / "threshold=0.6").rglob("*.png")).unlink()
    repaired = make(SPEC, data, out, model=sure_net(1), control="random_subset")
    assert repaired.written == 4  # each with its mask
    assert hashes(out) == before


def test_more_fractions_and_images_join_without_ranking_again(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make("sis(threshold=0.6, fractions=(0.1))", data, out, model=sure_net(1), limit=6)
    first = len(listed(out))
    more = make("sis(threshold=0.6, fractions=(0.1, 0.5))", data, out, model=sure_net(1), limit=6)
    assert list(Run(out / "run").runs[-1]["crafted"].values()) == [0]
    assert more.kept == first
    assert (out / "sis" / "fraction=0.5").is_dir()
    whole = make("sis(threshold=0.6, fractions=(0.1, 0.5))", data, out, model=sure_net(1))
    assert whole.kept == len(listed(out)) - whole.written
    assert whole.written > 0


def test_arrays_hold_the_same_pictures(data: str, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = make(SPEC, data, out, model=sure_net(1), store="npy")
    assert result.written == 3
    path = out / "sis" / "fraction=0.1.npz"
    found = np.load(path, allow_pickle=False)
    assert (found["images"].dtype, found["masks"].dtype) == (np.uint8, np.bool_)
    for image, mask, name in zip(found["images"], found["masks"], found["samples"], strict=True):
        file = f"sis/fraction=0.1/{name}"
        assert np.array_equal(image, opened(made / file))
        assert np.array_equal(mask, opened(made / "masks" / file))
    dataset = rw.open(f"arrays:{path}")
    assert [s.label for s in dataset.samples] == found["labels"].tolist()
    again = make(SPEC, data, out, model=sure_net(1), store="npy")
    assert (again.written, again.kept) == (0, 3)
    with pytest.raises(UsageError, match="was made otherwise"):
        make(SPEC, data, out, model=sure_net(1))


def test_another_image_covers_as_in_the_run(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make("sis(threshold=0.5, fractions=(0.3), mask=another)", data, out, model=sure_net(1), limit=5)
    originals = frames(data, sure_net(1))
    run, seen = Run(out / "run"), 0
    for entry in listed(out):
        if entry.get("subset") is None:
            continue
        shown, mask = opened(out / entry["file"]), opened(out / "masks" / entry["file"])
        others = [i for i, o in originals.items() if np.array_equal(o[~mask], shown[~mask])]
        assert len(others) == 1
        assert others[0].split("/")[0] != entry["sample"].split("/")[0]
        row = at(subsets(run), entry["variant"]).filter(sample=entry["sample"]).row(0, named=True)
        assert entry["subset"]["confidence"] == pytest.approx(row["conf_target"], abs=1e-5)
        seen += 1
    assert seen


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        (SPEC, {}, "name one with -m"),
        (SPEC, {"model": "net", "store": "jpeg"}, "single pixels are lost in jpeg"),
        (SPEC, {"model": "net", "frame": "imagenet"}, "in the frame of the model"),
        (SPEC, {"model": "net", "control": "random_subsets"}, "did you mean 'random_subset'"),
        ([SPEC, "fog"], {"model": "net"}, "into two folders"),
        ("sis(mask=tokens)", {"model": "net"}, "no picture of that"),
        ("sis(controls=(dilated))", {"model": "net"}, "leave out controls"),
        ("sis(threshold=1.5)", {"model": "net"}, "above 0 and below 1"),
        ("fog", {"model": "net"}, "belongs to subsets that a model makes"),
        ("fog", {"control": "random_subset"}, "belongs to subsets that a model makes"),
        ("keep(region=border, fraction=0.1)", {"model": "net"}, "asks for none"),
    ],
)
def test_what_cannot_be_made_is_refused(
    data: str, tmp_path: Path, spec: Any, options: dict[str, Any], said: str
) -> None:
    if "model" in options:
        options = {**options, "model": sure_net(1)}
    with pytest.raises(UsageError, match=said):
        make(spec, data, tmp_path / "out", **options)
    assert not (tmp_path / "out" / "make.json").exists()


def test_another_model_or_mask_needs_another_folder(data: str, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    with pytest.raises(UsageError, match="was made with model 'net1', not 'net2'"):
        make(SPEC, data, out, model=sure_net(2))
    with pytest.raises(UsageError, match="was made otherwise"):
        make(SPEC.replace("sis(", "sis(mask=zero, "), data, out, model=sure_net(1))
    assert hashes(out) == hashes(made)


def test_nothing_sure_enough_is_said(data: str, tmp_path: Path) -> None:
    with pytest.raises(RoadworthyError, match=r"no image .* has a subset: the model is .* sure"):
        make("sis(threshold=0.999999999)", data, tmp_path / "out", model=sure_net(1), limit=3)


def test_the_command_says_what_is_missing(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code(["make", SPEC, "-d", data, "-o", str(tmp_path / "out")]) == 2
    assert "-m demo/efficientnet_lite0" in capsys.readouterr().err


# keep


def test_keep_writes_masks_beside_the_pictures(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    spec = "keep(region=random, fraction=[0.1, 0.5])"
    result = make(spec, data, out, frame="untouched")
    count = len(rw.open(data).samples)
    assert result.written == 4 * count
    dataset = rw.open(data)
    for sample in dataset.samples:
        original = prepared(dataset.read(sample), Pipeline(size=None), name=sample.id)
        for fraction in ("0.1", "0.5"):
            file = f"keep/fraction={fraction}/{sample.id}"
            shown, mask = opened(out / file), opened(out / "masks" / file)
            assert mask.sum() == np.ceil(float(fraction) * mask.size)
            assert np.array_equal(shown[mask], original[mask])
            assert (shown[~mask] == (124, 116, 104)).all()
    again = make(spec, data, out, frame="untouched")
    assert (again.written, again.kept) == (0, 4 * count)
    (out / "masks" / f"keep/fraction=0.1/{dataset.samples[0].id}").unlink()
    assert make(spec, data, out, frame="untouched").written == 1
    judged = rw.evaluate(
        sure_net(1), f"imagefolder:{out / 'keep' / 'fraction=0.5'}", "clean", out=tmp_path / "run"
    )
    assert len(judged.rows()) == count


def test_arrays_of_keep_have_arrays_of_masks(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    spec = "keep(region=border, fraction=[0.25, 0.5], fill=(1, 2, 3))"
    assert make(spec, data, out, store="npy").written == 2
    shown = np.load(out / "keep.npy", allow_pickle=False)
    masks = np.load(out / "masks" / "keep.npy", allow_pickle=False)
    count = len(rw.open(data).samples)
    assert (masks.dtype, masks.shape) == (np.bool_, shown.shape[:3])
    assert len(shown) == 2 * count
    assert (shown[~masks] == (1, 2, 3)).all()
    assert masks[:count].mean() == pytest.approx(0.25)
    assert masks[count:].mean() == pytest.approx(0.5)
    assert masks[0, 0].all()  # the first row is all border
    assert make(spec, data, out, store="npy").kept == 1
    (out / "masks" / "keep.npy").unlink()
    assert make(spec, data, out, store="npy").written == 2
