"""What a stress makes: in the frame it names, kept as it says, and once for all models."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures
from PIL import Image as Pillow

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress
from roadworthy.types import Classifier, Image


def _data(folder: Path) -> str:
    return f"imagefolder:{write_pictures(folder / 'pictures', each=3)}"


def _nets(*sizes: int) -> list[Classifier]:
    return [colour_net(name=f"net{i}", size=size) for i, size in enumerate(sizes)]


def _verdicts(run: rw.Run, model: str) -> pl.DataFrame:
    columns = ["sample", "stress", "variant", "pred", "margin", "frames_pred", "frames_zipf"]
    rows = run.rows().filter(pl.col("model_id").str.contains(model))
    return rows.select(columns).sort(columns[:3])


STRESSES = ["gaussian_noise(severity=[1, 3])", "translate(frames=3)", "jpeg(quality=30)"]


def test_three_models_of_one_frame_share_every_picture(tmp_path: Path) -> None:
    data = _data(tmp_path)
    together = rw.evaluate(_nets(16, 16, 16), data, STRESSES, out=tmp_path / "three")
    alone = rw.evaluate(_nets(16)[0], data, STRESSES, out=tmp_path / "one")
    # Nine samples: two noises, three frames; the frame itself is clean's, which makes a row no work.
    assert alone.runs[-1]["made"] == 9 * (2 + 3)
    assert together.runs[-1]["made"] == alone.runs[-1]["made"]
    assert _verdicts(together, "net0").equals(_verdicts(alone, "net0"))
    assert together.rows()["model_id"].n_unique() == 3


def test_models_of_other_frames_share_nothing_but_in_a_frame_of_its_own(tmp_path: Path) -> None:
    data = _data(tmp_path)
    own = rw.evaluate(_nets(16, 12), data, "gaussian_noise(severity=1)", out=tmp_path / "own")
    assert own.runs[-1]["made"] == 2 * 9
    framed = "gaussian_noise(severity=1, frame=tiny)"
    shared = rw.evaluate(_nets(16, 12), data, framed, out=tmp_path / "tiny")
    assert shared.runs[-1]["made"] == 9
    rows = shared.rows()
    assert set(rows["frame_size"]) == {"64x64"}
    assert set(rows["stress"]) == {"clean(frame=tiny)", framed}


def test_a_drop_is_taken_against_the_clean_images_of_the_same_frame(tmp_path: Path) -> None:
    run = rw.evaluate(
        colour_net(),
        _data(tmp_path),
        ["gaussian_noise(severity=5, frame=untouched)", "gaussian_noise(severity=5)"],
        out=tmp_path / "out",
    )
    rows = run.rows()
    shares = rows.group_by("stress").agg(100 * pl.col("correct").mean())
    top1: dict[str, float] = dict(shares.iter_rows())
    found = {(r["stress"], r["metric"]): r["value"] for r in run.summary["rows"]}
    for frame, clean in (("", "clean"), (", frame=untouched", "clean(frame=untouched)")):
        spec = f"gaussian_noise(severity=5{frame})"
        assert found[spec, "drop"] == pytest.approx(top1[clean] - top1[spec], abs=1e-6)


def test_what_is_stored_is_what_is_judged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)

    def made(spec: str) -> Image:
        one = stress(spec)
        return corrupted(one, one.settings[0], image, sample="a", seed=0)

    plain = made("gaussian_noise(severity=1)")
    np.testing.assert_array_equal(made("gaussian_noise(severity=1, store=png)"), plain)
    jpeg = made("gaussian_noise(severity=1, store=jpeg(quality=85))")
    file = io.BytesIO()
    Pillow.fromarray(plain).save(file, "JPEG", quality=85, optimize=True)
    np.testing.assert_array_equal(jpeg, np.asarray(Pillow.open(file)))
    assert not np.array_equal(jpeg, plain)
    assert (
        stress("gaussian_noise(store=jpeg)").digest
        == stress("gaussian_noise(store=jpeg(quality=85))").digest
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("gaussian_noise(frame=imagnet)", "imagenet"),
        ("gaussian_noise(store=jpg)", "jpeg"),
        ("gaussian_noise(store=jpeg(quality=0))", "1 to 100"),
        ("translate(difficulty=4)", "1, 2 or 3"),
        ("gaussian_noise(severity=0)", "1 to 5"),
        ("gaussian_noise(severity=6)", "1 to 5"),
    ],
)
def test_what_cannot_be_is_named(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(spec)


def test_flips_are_counted_against_the_frame_that_the_difficulty_says(tmp_path: Path) -> None:
    data = _data(tmp_path)
    for difficulty, comparisons in ((1, 4), (2, 3)):
        spec = f"translate(frames=5, difficulty={difficulty})"
        run = rw.evaluate(colour_net(), data, spec, out=tmp_path / str(difficulty))
        rows = run.rows().filter(pl.col("frames_pred").is_not_null())
        for row in rows.iter_rows(named=True):
            pred = row["frames_pred"]
            expected = [a != b for a, b in zip(pred, pred[difficulty:], strict=False)]
            assert row["frames_flip"] == expected
            assert len(row["frames_zipf"]) == len(row["frames_top5_distance"]) == comparisons
            for flip, zipf in zip(row["frames_flip"], row["frames_zipf"], strict=True):
                assert zipf > 0 or not flip


def test_noise_is_compared_with_the_first_frame(tmp_path: Path) -> None:
    spec = "gaussian_noise_sequence(frames=6, scale=0.3)"
    run = rw.evaluate(colour_net(), _data(tmp_path), spec, out=tmp_path / "out")
    rows = run.rows().filter(pl.col("frames_pred").is_not_null())
    flips = [f for row in rows.iter_rows(named=True) for f in row["frames_flip"]]
    expected = [
        pred != row["frames_pred"][0]
        for row in rows.iter_rows(named=True)
        for pred in row["frames_pred"][1:]
    ]
    assert flips == expected
    assert any(flips)
