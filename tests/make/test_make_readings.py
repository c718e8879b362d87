"""`make imagenet_s(…)`: the published layout without its defects, and the way back."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from engine_world import COLOURS, colour_net
from PIL import Image

import roadworthy as rw
from roadworthy import UsageError, make
from roadworthy.making import readings
from roadworthy.pipeline.base import Pipeline, run

PAIRS = "imagenet_s(decoder=[pillow, pyav-bicubic], resize=[opencv-nearest, pillow-bilinear])"
FOLDERS = [
    f"{decoder}/{resizer}"
    for decoder in ("pillow", "pyav-bicubic")
    for resizer in ("opencv-nearest", "pillow-bilinear")
]


RESIZERS = ("opencv-area", "opencv-linear")
USUAL = "pillow/pillow-bilinear"
"""What the frame of ImageNet-S has already, so that a run takes it for clean."""


def jpeg(seed: int, size: tuple[int, int] = (90, 70), **options: object) -> bytes:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (9, 7, 3), np.uint8)
    buffer = io.BytesIO()
    picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    picture.save(buffer, "JPEG", subsampling=2, **options)
    return buffer.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Return class folders with JPEGs, two of which have one name."""
    for index, colour in enumerate(COLOURS):
        (tmp_path / "val" / colour).mkdir(parents=True)
        for number in range(3):
            name = "same" if number == 0 else f"{index}{number}"
            (tmp_path / "val" / colour / f"{name}.jpg").write_bytes(jpeg(10 * index + number))
    return f"imagefolder:{tmp_path / 'val'}"


def test_layout_lists_and_pixels(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = make(PAIRS, data, out)
    assert made.written == 4 * 9
    assert not made.failures
    dataset = rw.open(data)
    for folder in FOLDERS:
        decoder, resizer = folder.split("/")
        pipeline = Pipeline((224, 224), decoder, resize=resizer, geometry="squash", resize_to=256)
        expected = {}
        for sample in dataset.samples:
            frame = run(dataset.read(sample), pipeline, name="x")
            expected[hashlib.sha256(frame.tobytes()).hexdigest()] = sample.label
        lines = (out / f"{decoder}_{resizer}.txt").read_text().splitlines()
        found = {}
        for line in lines:
            path, _, label = line.rpartition(" ")
            assert path.startswith(f"{folder}/")
            array = np.load(out / path, allow_pickle=False)
            assert (array.dtype, array.shape) == (np.uint8, (224, 224, 3))
            found[hashlib.sha256(array.tobytes()).hexdigest()] = int(label)
        assert found == expected
        assert lines == sorted(lines)
        assert len({line.partition(" ")[0] for line in lines}) == 9  # the three "same" stay three


def test_the_manifest_has_every_file_and_the_same_call_does_nothing(
    data: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    make(PAIRS, data, out, jobs=2)
    for line in (out / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        content = (out / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert entry["label"] in (0, 1, 2)
        assert entry["stress"].startswith("stack(decoder(decode=")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    again = make(PAIRS, data, out)
    assert (again.written, again.kept) == (0, 36)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    victim = out / FOLDERS[0] / "01.npy"
    victim.write_bytes(b"damaged")
    repaired = make(PAIRS, data, out)
    assert (repaired.written, repaired.kept) == (1, 35)
    assert victim.read_bytes() == before[victim]


def test_more_pairs_join_a_folder_and_lists_hold_all_that_is_there(
    data: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    make("imagenet_s(decoder=pillow, resize=opencv-nearest)", data, out, limit=2)
    assert len((out / "pillow_opencv-nearest.txt").read_text().splitlines()) == 2
    make("imagenet_s(decoder=pillow, resize=[opencv-nearest, opencv-area])", data, out)
    assert len((out / "pillow_opencv-nearest.txt").read_text().splitlines()) == 9
    assert len((out / "pillow_opencv-area.txt").read_text().splitlines()) == 9


@pytest.mark.parametrize("store", ["npy", "png"])
def test_stored_pairs_score_exactly_as_the_live_suite(
    data: str, tmp_path: Path, store: str
) -> None:
    """Every column of a record that the pixels decide is the same, bit for bit."""
    model = colour_net()
    suite = PAIRS.replace("imagenet_s(", "imagenet_s(geometry=squash256, ")
    live = rw.evaluate(model, data, suite, out=tmp_path / "live").rows()
    make(PAIRS, data, tmp_path / "out", store=store)
    stored = rw.evaluate(model, f"imagenet_s:{tmp_path / 'out'}", "clean", out=tmp_path / "stored")
    rows = stored.rows()
    assert rows["data"].n_unique() == 4
    columns = ("label", "pred", "correct", "conf", "margin", "loss", "entropy")
    for folder in FOLDERS:
        decoder, resizer = folder.split("/")
        spec = f"stack(decoder(decode={decoder}), resizer(resize={resizer}), frame=squash256)"
        own = live.filter(stress="clean(frame=squash256)" if folder == USUAL else spec)
        part = f"imagenet_s:{tmp_path / 'out'}(decoder={decoder}, resize={resizer})"
        other = rows.filter(data=part)
        assert own.height == other.height == 9
        both = [sorted(frame.select(columns).rows()) for frame in (own, other)]
        assert both[0] == both[1]


def test_labels_keep_their_meaning(data: str, tmp_path: Path) -> None:
    """Names of classes come along, so that a model finds them by name and not by place."""
    make("imagenet_s(decoder=pillow, resize=opencv-area)", data, tmp_path / "out")
    stored = rw.open(f"imagenet_s:{tmp_path / 'out'}")
    assert stored.classes.names == rw.open(data).classes.names == tuple(sorted(COLOURS))
    assert len(stored.samples) == 9
    (tmp_path / "out" / "make.json").unlink()
    assert rw.open(f"imagenet_s:{tmp_path / 'out'}").classes.names is None


def test_files_that_the_published_generator_could_not_read(tmp_path: Path) -> None:
    """A picture turned by its camera keeps its shape under every decoder; a broken one fails alone."""
    (tmp_path / "val" / "a").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "val" / "a" / "turned.jpg").write_bytes(jpeg(1, exif=exif.tobytes()))
    (tmp_path / "val" / "a" / "broken.jpg").write_bytes(jpeg(2)[:200])
    data = f"imagefolder:{tmp_path / 'val'}"
    made = make(
        "imagenet_s(decoder=[pillow, opencv, pyav-bicubic], resize=pillow-box)",
        data,
        tmp_path / "o",
    )
    assert set(made.failures) == {"a/broken.jpg"}
    frames = [
        np.load(tmp_path / "o" / name / "pillow-box" / "turned.npy")
        for name in ("pillow", "opencv")
    ]
    assert np.array_equal(*frames)
    assert (
        tmp_path / "o" / "opencv_pillow-box.txt"
    ).read_text() == "opencv/pillow-box/turned.npy 0\n"


def test_geometry_is_a_factor_of_its_own(data: str, tmp_path: Path) -> None:
    one = "imagenet_s(decoder=pillow, resize=opencv-area)"
    make(one, data, tmp_path / "kept", frame="imagenet")
    dataset = rw.open(data)
    sample = dataset.samples[1]
    pipeline = Pipeline((224, 224), resize="opencv-area", resize_to=256)
    frame = run(dataset.read(sample), pipeline, name="x")
    name = Path(sample.id).stem
    assert np.array_equal(np.load(tmp_path / "kept/pillow/opencv-area" / f"{name}.npy"), frame)
    with pytest.raises(UsageError, match="was made otherwise"):
        make(one, data, tmp_path / "kept")


@pytest.mark.parametrize(
    ("stress", "options", "said"),
    [
        ("resizer(resize=opencv-area)", {"store": "jpeg"}, "is lost in jpeg"),
        ("resizer(resize=opencv-area)", {"store": "mp4"}, "is lost in mp4"),
        ("stack(resizer(resize=opencv-area), precision(dtype=fp16))", {}, "changes something else"),
        ("colour(colour=bgr)", {}, "changes something else"),
        ("precision(dtype=fp16)", {}, "makes no picture of its own"),
        ("imagenet_s(decoder=pilow, resize=opencv-area)", {}, "did you mean 'pillow'"),
        ("resizer(resize=opencv-area)", {"frame": "own"}, "that of a model"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    data: str, tmp_path: Path, stress: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        make(stress, data, tmp_path / "out", **options)  # type: ignore[arg-type]


# reading what others made


def published(root: Path, lines: str, name: str = "pil_pil-bilinear.txt") -> str:
    folder = root / name.removesuffix(".txt").replace("_", "/", 1)
    folder.mkdir(parents=True)
    for number in range(2):
        np.save(folder / f"v{number}.npy", np.full((8, 8, 3), 40 * number, np.uint8))
    (root / name).write_text(lines)
    return f"imagenet_s:{root}"


def test_published_lists_may_start_at_the_folder_of_the_pair(tmp_path: Path) -> None:
    opened = rw.open(published(tmp_path, "v0.npy 7\nv1.npy 12\n\n"))
    assert [(s.id, s.label) for s in opened.samples] == [("v0.npy", 7), ("v1.npy", 12)]
    with Image.open(io.BytesIO(opened.read(opened.samples[1]))) as picture:
        assert np.array_equal(np.asarray(picture), np.full((8, 8, 3), 40, np.uint8))


@pytest.mark.parametrize(
    ("lines", "parameters", "said"),
    [
        ("v0.npy 7\nv9.npy 1\n", "", "'v9.npy' of the list pil_pil-bilinear.txt is not there"),
        ("../../etc/passwd 7\n", "", "is no path inside the folder"),
        ("/etc/passwd 7\n", "", "is no path inside the folder"),
        ("v0.npy\n", "", "is no path inside the folder"),
        ("v0.npy cat\nv1.npy 3\n", "", "label"),
        ("", "", "no lines"),
        ("v0.npy 1\n", "(decoder=pill)", "no list of the decoder 'pill'; did you mean 'pil'"),
        ("v0.npy 1\n", "(resize=pil-bilinea)", "did you mean 'pil-bilinear'"),
    ],
)
def test_bad_lists_name_the_line(tmp_path: Path, lines: str, parameters: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rw.open(published(tmp_path, lines) + parameters)


def test_folders_without_lists_and_pairs_of_other_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no list <decoder>_<resizer>"):
        rw.open(f"imagenet_s:{tmp_path}")
    published(tmp_path, "v0.npy 7\nv1.npy 12\n")
    published(tmp_path, "v0.npy 7\n", "ffmpeg_pil-bilinear.txt")
    with pytest.raises(UsageError, match=r"lacks 1 images|has other images"):
        rw.open(f"imagenet_s:{tmp_path}")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x93NUMPY nonsense", b"GIF89a", np.lib.format.magic(1, 0)],
)
def test_damaged_arrays_fail_as_samples(tmp_path: Path, content: bytes) -> None:
    opened = rw.open(published(tmp_path, "v0.npy 7\nv1.npy 12\n"))
    (tmp_path / "pil" / "pil-bilinear" / "v0.npy").write_bytes(content)
    with pytest.raises(rw.SampleError, match=r"v0\.npy"):
        opened.read(opened.samples[0])
    np.save(tmp_path / "pil" / "pil-bilinear" / "v1.npy", np.zeros((8, 8), np.float32))
    with pytest.raises(rw.SampleError, match="holds no frame"):
        opened.read(opened.samples[1])
    np.save(tmp_path / "pil" / "pil-bilinear" / "v1.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(rw.SampleError, match="not a readable array"):
        opened.read(opened.samples[1])


def test_an_upgrade_that_moves_a_pixel_does_not_mix_with_what_is_there(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a folder covers its pipeline, and what that does to charts."""
    one = "imagenet_s(decoder=pillow, resize=opencv-area)"
    make(one, data, tmp_path / "out")
    known = [readings.key_of(Pipeline((8, 8), resize=r), "tiny", "npy") for r in RESIZERS]
    assert known[0] != known[1]
    monkeypatch.setattr(readings, "probe_hash", lambda _: "another codec")
    with pytest.raises(UsageError, match="was made otherwise"):
        make(one, data, tmp_path / "out")
