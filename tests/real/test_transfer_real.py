"""Transfer between trained networks: real adversarials travel, shuffled ones do what noise does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import roadworthy as rw
from roadworthy.engine.adversarials import sealed
from roadworthy.engine.artifacts import Artifacts
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as prepared

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
PGD = "pgd(eps=8/255, steps=5)"
NOISE = "pgd(eps=8/255, steps=1, step=0.0)"  # the random start and nothing else


def _net(shared: Path, name: str, file: str) -> str:
    checkpoint = shared / "models" / file
    return f"torch:{NETS}:{name}(checkpoint={checkpoint}, mean=imagenet, std=imagenet, size=32)"


def _clean(run: rw.Run, data: str, samples: list[str]) -> NDArray[np.float32]:
    pipeline = load(next(run.models())["spec"]).pipeline
    frames = [prepared(run.image(data, name) or b"", pipeline, name=name) for name in samples]
    return np.divide(np.stack(frames).transpose(0, 3, 1, 2), 255, dtype=np.float32)


def _shuffle(run: rw.Run, data: str) -> None:
    """Give the change of every image to another one, in the file of PGD that is kept."""
    kept = Artifacts(run.folder)
    for crafting in kept.craftings():
        for file in kept.files(crafting)[0]:
            if file.about["stress"] != PGD:
                continue
            ((_, made),) = file.read().items()
            names = [
                name for (name, _), there in zip(file.samples, made.made, strict=True) if there
            ]
            clean = _clean(run, data, names)
            assert np.abs(made.x - clean).max() == pytest.approx(8 / 255, abs=1e-6)
            x = np.clip(clean + np.roll(made.x - clean, 7, axis=0), 0, 1).astype(np.float32)
            about = {key: value for key, value in file.about.items() if key != "crc32"}
            file.path.write_bytes(sealed([x], about))


def _rates(run: rw.Run, source: str, judge: str) -> dict[str, float]:
    return {
        row["stress"]: row["value"]
        for row in run.summary["rows"]
        if (row["source"], row["model"], row["metric"]) == (source, judge, "transfer_rate")
    }


@pytest.mark.shared
@pytest.mark.slow
def test_a_shuffled_source_does_what_noise_does(shared: Path, tmp_path: Path) -> None:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    given = (
        _net(shared, "resnet20", "cifar10_resnet20.th"),
        _net(shared, "resnet32", "cifar10_resnet32.th"),
    )
    rates = {}
    for shuffled in (False, True):
        out = tmp_path / str(shuffled)
        run = rw.evaluate(given[0], data, [PGD, NOISE], out=out, limit=48, transfer=True)
        if shuffled:
            _shuffle(run, data)
        run = rw.evaluate(list(given), data, [PGD, NOISE], out=out, limit=48, transfer=True)
        source, judge = (str(entry["spec"]) for entry in run.models())
        assert run.runs[-1]["crafted"][source] == 0
        rates[shuffled] = _rates(run, source, judge)
    assert rates[False][PGD] > 60
    assert rates[True][PGD] < min(rates[False][NOISE] + 25, rates[False][PGD] / 2)
    assert rates[True][NOISE] == rates[False][NOISE] < 25
