"""Stored films are judged as sequences, and as those that the same stress makes in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures
from numpy.typing import NDArray

import roadworthy as rw
from roadworthy.data.base import Images
from roadworthy.data.stored import NOISE_FILMS, OTHER_FILMS, PERTURBATIONS, live_name
from roadworthy.engine.options import Options
from roadworthy.engine.plan import Judge, plan
from roadworthy.engine.verify import verify
from roadworthy.stores import store
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import stress
from roadworthy.types import Metadata

pytest.importorskip("av")

FILM = "mp4(preset=ultrafast)"
LIVE = {
    "translate": "translate(frames=6",
    "brightness": "brightness_sequence(frames=6",
    "gaussian_noise": "gaussian_noise_sequence(frames=4",
}
SAME = ("frames_pred", "frames_correct", "frames_conf", "frames_flip", "frames_top5_distance")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("pictures")
    return f"imagefolder:{write_pictures(folder, each=2, size=(48, 40))}"


@pytest.fixture(scope="module")
def films(pictures: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films") / "set"
    made = [f"{text})" for text in LIVE.values()]
    rw.make(made, pictures, folder, store=FILM, frame="untouched")
    hard = f"{LIVE['gaussian_noise']}, difficulty=2)"
    rw.make(hard, pictures, folder.parent / "hard", store=FILM, frame="untouched")
    (folder.parent / "hard/gaussian_noise_2").rename(folder / "gaussian_noise_2")
    return folder


def rows_of(run: rw.Run, key: str, column: str = "data") -> pl.DataFrame:
    return run.rows().filter(pl.col(column).str.contains(key)).sort("sample")


@pytest.mark.parametrize("difficulty", [1, 2])
def test_stored_and_live_sequences_are_judged_alike(
    pictures: str, films: Path, tmp_path: Path, difficulty: int
) -> None:
    net = colour_net()
    protocol = f", frame=untouched, store={FILM}, difficulty={difficulty})"
    live = rw.evaluate(net, pictures, [t + protocol for t in LIVE.values()], out=tmp_path / "live")
    names = ", ".join(LIVE)
    data = f"imagenet_p:{films}(perturbations=[{names}], difficulty={difficulty})"
    stored = rw.evaluate(net, data, out=tmp_path / "stored")
    assert stored.rows()["stress"].unique().to_list() == ["clean"]
    flips = 0
    for name, text in LIVE.items():
        here = rows_of(stored, rf"perturbations={name}[,)]")
        there = rows_of(live, rf"^{text.partition('(')[0]}\(", "stress")
        ids = [f"{sample.removesuffix('.png')}.mp4" for sample in there["sample"]]
        assert here["sample"].to_list() == ids
        for column in SAME:
            assert here[column].to_list() == there[column].to_list(), (name, column)
        assert here["correct"].null_count() == len(here)
        flips += int(here["frames_flip"].explode().sum())
    assert flips
    for metric in ("flip_probability", "t5d", "top1"):
        values = [
            sorted(r["value"] for r in run.summary["rows"] if r["metric"] == metric and chosen(r))
            for run, chosen in (
                (stored, lambda r: r["stress"] == "clean"),
                (live, lambda r: not r["stress"].startswith("clean")),
            )
        ]
        assert values[0] == pytest.approx(values[1])


def test_several_models_share_films_and_rows_reproduce(films: Path, tmp_path: Path) -> None:
    nets = [colour_net(), colour_net(name="other", classes=None)]
    data = f"imagenet_p:{films}(perturbations=translate, classes=3)"
    alone = rw.evaluate(nets[0], data, out=tmp_path / "alone")
    both = rw.evaluate(nets, data, out=tmp_path / "both", batch_size=4)
    mine = both.rows().filter(pl.col("model") == alone.rows()["model"][0]).sort("sample")
    assert mine["frames_flip"].to_list() == alone.rows().sort("sample")["frames_flip"].to_list()
    assert both.runs[-1]["made"] == 6  # films, each decoded once for both
    assert verify(tmp_path / "alone").damaged == []


def encoded(count: int, side: int = 16) -> bytes:
    frames: list[NDArray[np.uint8]] = []
    for number in range(count):
        frame = np.full((side, side, 3), 40, np.uint8)
        frame[..., number % 3] = 200
        frames.append(frame)
    return store("mp4(crf=0, preset=ultrafast)").encode(frames, False)


def test_bad_films_fail_and_shorter_ones_end_earlier(tmp_path: Path) -> None:
    folder = tmp_path / "tilt"
    for name in ("red", "green", "blue"):
        (folder / name).mkdir(parents=True)
    (folder / "red/long.mp4").write_bytes(encoded(5))
    (folder / "red/short.mp4").write_bytes(encoded(3))
    (folder / "green/cut.mp4").write_bytes(encoded(5)[:200])
    (folder / "green/one.mp4").write_bytes(encoded(1))
    (folder / "blue/text.mp4").write_bytes(b"no film")
    data = f"imagenet_p:{tmp_path}(perturbations=tilt)"
    run = rw.evaluate(colour_net(classes=None), data, out=tmp_path / "out")
    rows = {row["sample"]: row for row in run.rows().iter_rows(named=True)}
    good = {name for name, row in rows.items() if row["status"] == "ok"}
    assert good == {"red/long.mp4", "red/short.mp4", "green/one.mp4"}
    for name in ("green/cut.mp4", "blue/text.mp4"):
        assert rows[name]["status"] == "failed"
        assert name in rows[name]["reason"]
    for name, count in (("red/long.mp4", 5), ("red/short.mp4", 3), ("green/one.mp4", 1)):
        assert len(rows[name]["frames_pred"]) == count
        assert rows[name]["frames_flip"] == [True] * (count - 1)  # every frame has another colour
    (folder / "blue/wide.mp4").write_bytes(encoded(5, side=32))
    mixed = rw.evaluate(colour_net(classes=None), data, out=tmp_path / "mixed").rows()
    sizes = mixed.filter(pl.col("status") == "ok")["sample"].str.contains("wide")
    assert sizes.n_unique() == 1
    (reason,) = mixed.filter(pl.col("sample").str.contains("wide|long") & pl.col("pred").is_null())[
        "reason"
    ].drop_nulls()
    assert "32x32" in reason


def test_what_is_compared_is_what_the_live_sequences_compare() -> None:
    for name in dict.fromkeys((*PERTURBATIONS, *OTHER_FILMS)):
        tables = STRESSES.get(live_name(name)).tables
        assert tables is not None
        assert (tables.compare == "first") == (name in NOISE_FILMS)


def test_arguments_that_are_none(films: Path) -> None:
    for given, said in (
        ("perturbations=translate, difficulty=4", "difficulty is 1, 2 or 3"),
        ("perturbations=gaussian_noise_2", "no published perturbation; did you mean"),
        ("perturbations=translate, difficulty=0", "difficulty is 1, 2 or 3"),
    ):
        with pytest.raises(rw.UsageError, match=said):
            rw.open(f"imagenet_p:{films}({given})")
    hard = rw.open(f"imagenet_p:{films}(perturbations=gaussian_noise, difficulty=2)")
    assert isinstance(hard, Images)
    assert all("gaussian_noise_2" in sample.location[0] for sample in hard.samples)


def test_only_clean_in_its_own_frame_is_for_stored_sets(films: Path, pictures: str) -> None:
    net = colour_net()
    judge = Judge(net, "m", "fp32", Metadata())
    stored = rw.open(f"imagenet_p:{films}(perturbations=translate)")
    framed = stress("clean(frame=imagenet)")
    both = plan([judge], [stored, rw.open(pictures)], [framed], Options())
    assert [(c.source.dataset.spec == stored.spec, c.stress.spec) for c in both.cells] == [
        (True, "clean"),
        (False, "clean(frame=imagenet)"),
    ]
    for one in (framed, stress("contrast")):
        with pytest.raises(rw.UsageError, match="stressed already"):
            plan([judge], [stored], [one], Options())


def test_a_film_that_is_cut_between_two_frames_is_damaged(tmp_path: Path) -> None:
    import av

    frames = [frame for _ in range(2) for frame in store("mp4").decode(encoded(3, side=32))]
    place = tmp_path / "x.mp4"
    with av.open(place, "w", options={"movflags": "faststart"}) as container:  # index in front
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv444p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    data = place.read_bytes()
    with av.open(place) as container:
        ends = [p.pos + p.size for p in container.demux(video=0) if p.size and p.pos is not None]
    assert len(store("mp4").decode(data)) == 6
    with pytest.raises(rw.SampleError, match="4 of 6 frames"):
        store("mp4").decode(data[: ends[3]])
