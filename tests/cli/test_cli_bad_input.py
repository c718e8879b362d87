"""Bad input: the text names the input, what was expected and what to do; finished parts stay."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import roadworthy as rw

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
Call = Callable[..., Any]


def _run(call: Call, *more: object, model: str = MODEL, data: str = DATA) -> Any:
    return call("run", "-m", model, "-d", data, "-s", "clean", "-o", "out", "--quiet", *more)


def _says(text: str, *fragments: str) -> None:
    for fragment in fragments:
        assert fragment in text, f"{fragment!r} is not in:\n{text}"


@pytest.fixture
def before(call: Call, world: Path) -> Path:
    """Return the folder of a finished run, `out`, whose parts must outlive what comes next."""
    assert _run(call).code == 0
    return world


@pytest.fixture(autouse=True)
def _parts_stay(request: pytest.FixtureRequest) -> Any:
    if "before" not in request.fixturenames:
        yield
        return
    records = request.getfixturevalue("before") / "out" / "records"
    kept = {path: path.read_bytes() for path in records.rglob("*.parquet")}
    assert kept
    yield
    assert {path: path.read_bytes() for path in kept} == kept


def _jpeg(path: Path) -> bytes:
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(path)
    return path.read_bytes()


def _bomb() -> bytes:
    """A PNG that says it is 60000 x 60000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("name", "make", "fragment"),
    [
        ("cut.jpg", lambda path: _jpeg(path)[:300], "truncated JPEG"),
        ("empty.png", lambda path: b"", "empty"),
        ("page.jpg", lambda path: b"<!DOCTYPE html><html>404</html>", "HTML"),
        ("bomb.png", lambda path: _bomb(), "60 000 x 60 000 pixels"),
        ("noise.png", lambda path: bytes(range(256)), "not an image"),
    ],
)
def test_one_bad_image_is_one_failed_row_and_exit_3(
    before: Path, call: Call, name: str, make: Callable[[Path], bytes], fragment: str
) -> None:
    path = before / "pictures" / "1" / name
    path.write_bytes(make(path))
    outcome = _run(call)
    assert outcome.code == 3
    _says(outcome.out, f"1/{name}", fragment)
    failed = [r for r in rw.Run("out").rows().iter_rows(named=True) if r["status"] == "failed"]
    assert [r["sample"] for r in failed] == [f"1/{name}"]
    assert fragment in failed[0]["reason"]
    assert _run(call).code == 3  # still said when the same command has nothing left to do


def _save(image: Image.Image, path: Path, **options: Any) -> None:
    image.save(path, **options)


ODD: dict[str, Callable[[Path], None]] = {
    "cmyk.jpg": lambda p: _save(Image.new("CMYK", (24, 20), (10, 200, 30, 0)), p),
    "sixteen.png": lambda p: _save(Image.fromarray(np.full((20, 24), 40_000, np.uint16)), p),
    "grey.jpg": lambda p: _save(Image.new("L", (24, 20), 77), p),
    "palette.png": lambda p: _save(Image.new("RGB", (24, 20), (9, 99, 199)).quantize(4), p),
    "alpha.png": lambda p: _save(Image.new("RGBA", (24, 20), (9, 99, 199, 0)), p),
    "animated.gif": lambda p: _save(
        Image.new("P", (24, 20)), p, save_all=True, append_images=[Image.new("P", (24, 20), 1)]
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_unusual_but_sound_images_are_judged(before: Path, call: Call, name: str) -> None:
    ODD[name](before / "pictures" / "2" / name)
    outcome = _run(call)
    assert outcome.code == 0, outcome
    rows = rw.Run("out").rows()
    assert rows.filter(rows["sample"] == f"2/{name}")["status"].to_list() == ["ok"]


def test_exif_rotation_is_ignored_as_training_loaders_do_unless_asked_for(
    world: Path, call: Call
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20, 0] = 200  # left half red, right half blue; rotated: upper red, lower blue
    pixels[:, 20:, 2] = 210
    Image.fromarray(pixels).save(world / "pictures" / "0" / "turned.jpg", exif=exif, quality=95)
    as_is = rw.evaluate(MODEL, DATA, "clean", out="out").rows()
    turned = "torch:nets.py:colours(size=16, orient=exif)"
    rotated = rw.evaluate(turned, DATA, "clean", out="out2").rows()
    one, two = (r.filter(r["sample"] == "0/turned.jpg")["margin"][0] for r in (as_is, rotated))
    assert one == pytest.approx(two, abs=0.5)  # the crop sees both halves either way
    others = [r.filter(r["sample"] != "0/turned.jpg")["margin"] for r in (as_is, rotated)]
    assert others[0].equals(others[1])
    assert as_is["pipeline"][0] != rotated["pipeline"][0]


def test_a_directory_without_images(before: Path, call: Call) -> None:
    (before / "empty" / "0").mkdir(parents=True)
    outcome = _run(call, data="imagefolder:empty")
    assert outcome.code == 2
    _says(outcome.err, "empty", "no images")


def test_a_folder_that_is_not_there(before: Path, call: Call) -> None:
    outcome = _run(call, data="imagefolder:picturse")
    assert outcome.code == 2
    _says(outcome.err, "picturse")


@pytest.mark.parametrize(
    ("lines", "fragments"),
    [
        (["file,label", "pictures/0/0.png,"], ["labels.csv", "line 2", "label"]),
        (["file,label", "pictures/0/0.png,99"], ["99", "3"]),
        (["file,name", "pictures/0/0.png,cat"], ["labels.csv", "label"]),
    ],
    ids=["missing", "beyond the outputs", "no label column"],
)
def test_missing_and_unknown_labels(
    before: Path, call: Call, lines: list[str], fragments: list[str]
) -> None:
    (before / "labels.csv").write_text("\n".join(lines) + "\n")
    outcome = _run(call, data="csv:labels.csv")
    assert outcome.code == 2
    _says(outcome.err, *fragments)


def test_a_wrong_class_count_explains_itself(before: Path, call: Call) -> None:
    images = np.zeros((40, 8, 8, 3), np.uint8)
    np.savez(before / "ten.npz", images=images, labels=np.arange(40) % 10)
    outcome = _run(call, data="arrays:ten.npz")
    assert outcome.code == 2
    _says(outcome.err, "10", "3")


def test_nan_logits_are_failed_rows(before: Path, call: Call) -> None:
    outcome = _run(call, model="torch:nets.py:poisoned(size=16)")
    assert outcome.code == 3
    _says(outcome.out, "NaN")


def test_a_malicious_pickle_is_refused_and_never_run(before: Path, call: Call) -> None:
    class Malice:
        def __reduce__(self) -> Any:
            return os.mkdir, ("pwned",)

    (before / "bad.pt").write_bytes(pickle.dumps({"state_dict": Malice()}))
    outcome = _run(call, model="torch:nets.py:colours(size=16, checkpoint=bad.pt)")
    assert outcome.code in (1, 2)
    _says(outcome.err, "bad.pt", "safetensors")
    assert not (before / "pwned").exists()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["-m", "torhc:nets.py:colours", "-d", DATA], "did you mean 'torch'"),
        (["-m", "torch:nets.py:colurs(size=16)", "-d", DATA], "colours"),
        (["-m", MODEL, "-d", "imagefodler:pictures"], "did you mean 'imagefolder'"),
        (["-m", MODEL, "-d", DATA, "-s", "gausian_noise"], "did you mean 'gaussian_noise'"),
        (["-m", MODEL, "-d", DATA, "-s", "quik"], "did you mean 'quick'"),
        (["-m", MODEL, "-d", DATA, "-s", "jpeg(qualty=3)"], "did you mean 'quality'"),
        (["-m", MODEL, "-d", DATA, "-s", "resizer(resize=opencv-neareset)"], "opencv-nearest"),
        (["-m", MODEL, "-d", DATA, "-s", "jpeg(quality=101)"], "1 to 100"),
        (["-m", MODEL, "-d", DATA, "-s", "pgd(eps=8/255"], "pgd(eps=8/255"),
        (["-d", DATA], "-m"),
        (["-m", MODEL], "-d"),
    ],
)
def test_misspelt_names_and_wrong_values(
    before: Path, call: Call, arguments: list[str], fragment: str
) -> None:
    outcome = call("run", *arguments, "-o", "out", "--quiet")
    assert outcome.code == 2
    _says(outcome.err, fragment)


def test_an_unwritable_output(before: Path, call: Call) -> None:
    (before / "file").write_text("x")
    outcome = call("run", "-m", MODEL, "-d", DATA, "-o", "file/out", "--quiet")
    assert outcome.code == 2
    _says(outcome.err, "file/out", "choose a folder")


def test_an_output_folder_of_something_else(before: Path, call: Call) -> None:
    (before / "thesis").mkdir()
    (before / "thesis" / "chapter.txt").write_text("precious")
    outcome = call("run", "-m", MODEL, "-d", DATA, "-o", "thesis", "--quiet")
    assert outcome.code == 2
    _says(outcome.err, "thesis", "chapter.txt", "nothing in it was touched")
    assert sorted(p.name for p in (before / "thesis").iterdir()) == ["chapter.txt"]


def test_a_verb_or_flag_that_does_not_exist(world: Path, call: Call) -> None:
    assert call("rnu").code == 2
    assert call("run", "--modles", MODEL).code == 2
    assert call("run", "-m", MODEL, "-d", DATA, "-o", "out", "--limit", "many").code == 2


def test_the_report_of_a_folder_that_is_no_run(world: Path, call: Call) -> None:
    outcome = call("report", "pictures")
    assert outcome.code == 2
    _says(outcome.err, "pictures", "no roadworthy run")


@pytest.mark.parametrize("baseline", ["alexnet", "/nowhere", "alexnet-imagenet_p"])
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_baseline_that_does_not_fit_is_said_before_any_work(
    world: Path, call: Call, baseline: str, options: tuple[str, ...]
) -> None:
    suite = f"imagenet_c(baseline={baseline})"
    outcome = call("run", "-m", MODEL, "-d", DATA, "-s", suite, "-o", "out", *options)
    assert outcome.code == 2
    assert "baseline" in outcome.err
    assert not list(Path("out").glob("records/*"))
