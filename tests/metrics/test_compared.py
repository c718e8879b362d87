"""One pipeline beside the reference, by hand: what is lost and moved, and by kinds of file."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from metric_records import records

from roadworthy.metrics.compared import compared, paired, strata
from roadworthy.metrics.mcnemar import exact_mcnemar

CHROMAS = ["4:2:0", "4:2:0", "4:2:0", "4:4:4", "grey", "not JPEG", "4:4:4", "4:2:0"]
SHRINKS = [0.5, 1.0, 1.49, 1.5, 2.0, 3.99, 4.0, 9.0]
CLEAN = records(
    stress="clean",
    correct=[True, True, True, True, True, True, False, False],
    pred=[0, 0, 0, 0, 0, 0, 1, 1],
    chroma=CHROMAS,
    downscale=SHRINKS,
)
ROWS = records(
    stress="resizer(resize=opencv-nearest)",
    correct=[False, False, False, True, True, True, True, False],
    pred=[1, 1, 1, 0, 0, 0, 0, 2],
    kl_ref=[0.8] + [0.0] * 7,
)


def test_what_is_lost_gained_and_moved() -> None:
    found = compared(paired(ROWS, CLEAN))
    assert found is not None
    assert (found.discordant.lost, found.discordant.gained, found.discordant.n) == (3, 1, 8)
    assert found.drop.value == 25.0
    assert found.changed.value == pytest.approx(62.5)
    assert found.moved.value == pytest.approx(0.1)
    assert found.p == exact_mcnemar(3, 1) == 0.625
    assert found.detectable == pytest.approx(100 * np.sqrt(7.84 * 4) / 8)


def test_images_pair_by_their_id_and_count_once() -> None:
    shuffled = ROWS.sample(fraction=1, shuffle=True, seed=1)
    twice = pl.concat([CLEAN, CLEAN])
    assert compared(paired(shuffled, twice)) == compared(paired(ROWS, CLEAN))
    fewer = compared(paired(ROWS.filter(pl.col("sample") != "s0"), CLEAN))
    assert fewer is not None
    assert (fewer.discordant.lost, fewer.discordant.n) == (2, 7)
    assert compared(paired(ROWS.clear(), CLEAN)) is None
    unlabelled = ROWS.with_columns(correct=pl.lit(None, pl.Boolean))
    assert compared(paired(unlabelled, CLEAN)) is None


def test_strata_by_colour_and_by_size() -> None:
    found: dict[str, dict[str, list[str]]] = {}
    for by, name, own in strata(paired(ROWS, CLEAN)):
        found.setdefault(by, {})[name] = own["sample"].to_list()
    assert found["chroma"] == {
        "4:4:4": ["s3", "s6"],
        "4:2:0": ["s0", "s1", "s2", "s7"],
        "grey": ["s4"],
        "not JPEG": ["s5"],
    }
    assert found["downscale"] == {
        "< 1": ["s0"],
        "1 to 1.5": ["s1", "s2"],
        "1.5 to 2": ["s3"],
        "2 to 4": ["s4", "s5"],
        ">= 4": ["s6", "s7"],
    }


def test_a_division_with_one_stratum_is_none() -> None:
    """All files alike, or nothing known of them: CIFAR, or records of old."""
    alike = CLEAN.with_columns(chroma=pl.lit("not JPEG"), downscale=pl.lit(1.2, pl.Float32))
    assert list(strata(paired(ROWS, alike))) == []
    unknown = CLEAN.with_columns(chroma=pl.lit(None, pl.String), downscale=pl.lit(None, pl.Float32))
    assert list(strata(paired(ROWS, unknown))) == []
