"""Thousands of mutated files through decode and resize: an image or a SampleError, nothing else."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter

import numpy as np
import pytest
from pipeline_files import SMALL, encoded, oriented, soft

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
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def mutant(rng: np.random.Generator) -> bytes:
    """Return a seed file with bits flipped, bytes replaced, cut, spliced, or its header edited."""
    data = bytearray(SEEDS[rng.integers(len(SEEDS))])
    for _ in range(int(rng.integers(1, 4))):
        if len(data) < 8:
            break
        where = int(rng.integers(len(data)))
        match int(rng.integers(7)):
            case 0:
                data[where] ^= 1 << int(rng.integers(8))
            case 1:
                data[where : where + 4] = rng.bytes(4)
            case 2:
                del data[where:]
            case 3:
                del data[where : where + int(rng.integers(1, 40))]
            case 4:
                other = SEEDS[rng.integers(len(SEEDS))]
                start = int(rng.integers(len(other)))
                data[where:where] = other[start : start + int(rng.integers(1, 200))]
            case 5:  # sizes, counts and chunk lengths live in the first bytes
                data[where % min(64, len(data))] = INTERESTING[rng.integers(len(INTERESTING))]
            case _:
                data[where:] = rng.bytes(int(rng.integers(0, 64)))
    return bytes(data)


def _memory() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def test_mutated_files_are_an_image_or_a_sample_error(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(20240607)
    outcomes: Counter[str] = Counter()
    reasons: set[str] = set()
    memory, began = _memory(), time.process_time()
    for number in range(MUTANTS):
        data = mutant(rng)
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
    assert _memory() - memory < GROWTH_BYTES
    # Both must be common, or the mutations are too wild or too tame to say anything.
    assert min(outcomes["refused"], outcomes["image"]) > MUTANTS // 20, outcomes
    assert all(reason.startswith('"x.jpg": ') and "\n" not in reason for reason in reasons)
    assert "Traceback" not in capfd.readouterr().err


def test_the_seeds_themselves_are_images() -> None:
    for data in SEEDS:
        for decoder in DECODERS:
            assert decoded(data, Pipeline(None, decoder=decoder), name="x").ndim == 3
