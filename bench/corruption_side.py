"""All corruptions at all severities on 224-pixel frames: ours and those of imagecorruptions."""

from __future__ import annotations

import importlib
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.race import Parts, Work

Frame = NDArray[np.uint8]
Corrupt = Callable[[Frame, str, int, str], Frame]
SEVERITIES = range(1, 6)


@dataclass(frozen=True)
class Times:
    """Wall and processor seconds by corruption, all severities of one image; mean levels by cell."""

    parts: Parts
    means: dict[str, list[float]]


def ours(files: Sequence[str], names: Sequence[str], repeats: int) -> Work:
    """Make what the engine makes for a sample: the key, its generator and the picture."""
    from roadworthy.seed import rng_for
    from roadworthy.stress import STRESSES
    from roadworthy.stress.draws import FastDraws

    def corrupt(frame: Frame, name: str, severity: int, sample: str) -> Frame:
        definition = STRESSES.get(name)
        assert definition.levels is not None
        arguments = definition.levels.strengths(severity, frame.shape)
        if definition.takes_draws:
            key = rng_for(0, name, definition.version, sample, f"severity={severity}")
            arguments["rng"] = FastDraws(key)
        return np.asarray(definition.function(frame, **arguments))

    return _work(files, names, repeats, corrupt)


def peer(files: Sequence[str], names: Sequence[str], repeats: int) -> Work:
    """Call ``imagecorruptions.corrupt``."""
    warnings.simplefilter("ignore")
    imagecorruptions: Any = importlib.import_module("imagecorruptions")  # has no types

    def corrupt(frame: Frame, name: str, severity: int, _: str) -> Frame:
        found = imagecorruptions.corrupt(frame, corruption_name=name, severity=severity)
        return np.asarray(found)

    return _work(files, names, repeats, corrupt)


def _work(files: Sequence[str], names: Sequence[str], repeats: int, corrupt: Corrupt) -> Work:
    _pin()
    frames = [_frame(path) for path in files]

    def run() -> Times:
        parts, means = {}, {}
        for name in names:
            wall, cpu, means[name] = _timed(frames, name, repeats, corrupt)
            parts[name] = (wall, cpu)
        walls, cpus = zip(*parts.values(), strict=True)
        return Times({**parts, "sum": (sum(walls), sum(cpus))}, means)

    return Work(run, answer=lambda times: times.means, parts=lambda times: times.parts)


def _timed(
    frames: Sequence[Frame], name: str, repeats: int, corrupt: Corrupt
) -> tuple[float, float, list[float]]:
    """Return seconds for one image at all severities, and the mean level at each."""
    wall = cpu = 0.0
    means = []
    for severity in SEVERITIES:
        made = []
        began, used = time.perf_counter(), time.process_time()
        for number in range(repeats):
            made = [
                corrupt(frame, name, severity, f"{number}-{i}") for i, frame in enumerate(frames)
            ]
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
        means.append(float(np.mean(made)))
    count = repeats * len(frames)
    return wall / count, cpu / count, means


def _pin() -> None:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _frame(path: str) -> Frame:
    """Read a photograph as the benchmark does: shorter side 256, central 224."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    width, height = (max(256, int(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    return np.asarray(image.crop((left, top, left + 224, top + 224)))
