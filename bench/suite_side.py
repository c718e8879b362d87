"""A whole suite: judged by the engine and by nothing but its parts; and written to disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench.race import Parts, Work
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.options import DEFAULT_BATCH_SIZE, cores
from roadworthy.evaluation import evaluate, use_cores
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as frame_of
from roadworthy.pipeline.published import published
from roadworthy.run import Run
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import Setting, Stress
from roadworthy.suites import expand
from roadworthy.types import Image, Sample

WORK = "work"


def judged(model: str, data: str, suite: str, limit: int) -> Work:
    """Evaluate a loaded model under a suite, metrics and files included."""
    use_cores()
    classifier, dataset = load(model), open_data(data)

    def run(limit: int = limit) -> tuple[Run, Parts]:
        folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
        began, used = time.perf_counter(), time.process_time()
        found = evaluate(classifier, dataset, suite, out=folder / "run", limit=limit)
        spent = (time.perf_counter() - began, time.process_time() - used)
        return found, {WORK: spent}

    def answer(found: tuple[Run, Parts]) -> int:
        right = int(found[0].rows()["correct"].sum())
        shutil.rmtree(found[0].folder.parent)
        return right

    return Work(run, warm=lambda: run(4), answer=answer, parts=lambda found: found[1])


def floor(model: str, data: str, suite: str, limit: int) -> Work:
    """Make every picture on one core, then judge them all: forwards alone + core time / cores."""
    use_cores()
    classifier, dataset = load(model), open_data(data)
    stresses = expand([suite])
    samples = order(dataset.samples, seed=0)[:limit]
    pipeline = published(stresses[0].frame, classifier.pipeline)
    frames = [frame_of(dataset.read(s), pipeline, name=s.id) for s in samples]
    labels = np.array([s.label for s in samples])

    def run(frames: list[Image] = frames) -> tuple[int, Parts]:
        right, making, judging, cpu = 0, 0.0, 0.0, time.process_time()
        sets: list[Callable[[], list[Image]]] = [lambda: frames]
        sets += [partial(_made, one, v, frames, samples) for one in stresses for v in one.settings]
        for picture in sets:
            began = time.perf_counter()
            made = picture()
            making += time.perf_counter() - began
            began = time.perf_counter()
            for start in range(0, len(made), DEFAULT_BATCH_SIZE):
                stop = start + DEFAULT_BATCH_SIZE
                logits = forward(classifier, to_input(np.stack(made[start:stop]), "cpu"), name="")
                right += int((logits.argmax(1) == labels[start : start + len(logits)]).sum())
            judging += time.perf_counter() - began
        return right, {WORK: (judging + making / cores(), time.process_time() - cpu)}

    return Work(
        run,
        warm=lambda: run(frames[:4]),
        answer=lambda found: found[0],
        parts=lambda found: found[1],
    )


def _made(
    one: Stress, setting: Setting, frames: Sequence[Image], samples: Sequence[Sample]
) -> list[Image]:
    pairs = zip(frames, samples, strict=False)
    return [corrupted(one, setting, frame, sample=s.id, seed=0) for frame, s in pairs]


def written(data: str, stresses: list[str], limit: int, jobs: int) -> Work:
    """Give the command that writes the pictures of ``stresses`` with so many processes."""

    def run(limit: int = limit) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
        command = [sys.executable, "-m", "roadworthy", "make", *stresses, "-d", data, "--quiet"]
        command += ["-o", str(folder / "made"), "-j", str(jobs), "--limit", str(limit)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return folder

    def answer(folder: Path) -> list[str]:
        lines = (folder / "made" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        shutil.rmtree(folder)
        return sorted(lines)

    return Work(run, warm=lambda: run(4), answer=answer)
