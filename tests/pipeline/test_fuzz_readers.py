"""Thousands of mutated files through decode and resize: an image or a SampleError, nothing else."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from pipeline_files import SMALL, encoded, mutated, oriented, peak_memory, soft

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline, framed, resized
from roadworthy.pipeline.base import decode as decoded

MUTANTS = 2400
GROWTH_BYTES = 384 << 20
CPU_SECONDS = 20.0
SEEDS = [
    SMALL["jpeg"],
    SMALL["progressive"],
    SMALL["restarts"],
    SMALL["thumbnail"],
    encoded(soft(64, 48), "JPEG", exif=oriented(6)),
    encoded(soft(16, 16)[..., 0], "JPEG"),
    SMALL["png"],
    encoded(soft(33, 20), "PNG", compress_level=0),
    encoded(soft(16, 16)[..., 0], "PNG"),
    SMALL["webp"],
    SMALL["webp_lossless"],
    encoded(soft(40, 56), "WEBP"),
]
DECODERS = ("pillow", "opencv")


def test_mutated_files_are_an_image_or_a_sample_error(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(20240607)
    outcomes: Counter[str] = Counter()
    reasons: set[str] = set()
    memory, began = peak_memory(), time.process_time()
    for number in range(MUTANTS):
        data = mutated(SEEDS, rng)
        pipeline = Pipeline((16, 16), decoder=DECODERS[number % 2], orient="exif")
        try:
            image = framed(resized(decoded(data, pipeline, name="x.jpg"), pipeline), pipeline)
        except SampleError as error:
            reasons.add(str(error))
            outcomes["refused"] += 1
        else:
            assert image.shape == (16, 16, 3)
            assert image.dtype == np.uint8
            outcomes["image"] += 1
    assert time.process_time() - began < CPU_SECONDS
    assert peak_memory() - memory < GROWTH_BYTES
    # Both must be common, or the mutations are too wild or too tame to say anything.
    assert min(outcomes["refused"], outcomes["image"]) > MUTANTS // 20, outcomes
    assert all(reason.startswith('"x.jpg": ') and "\n" not in reason for reason in reasons)
    assert "Traceback" not in capfd.readouterr().err


def test_the_seeds_themselves_are_images() -> None:
    for data in SEEDS:
        for decoder in DECODERS:
            assert decoded(data, Pipeline(None, decoder=decoder), name="x").ndim == 3
