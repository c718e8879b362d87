"""Made-up populations of known truth, from which the coverage test draws its runs.

A population is a table of kinds of sample (kinds,) with one, three or five variants (kinds, variants); a
run draws samples with replacement. Variants of one sample share most of their luck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.calibration import bins_of

KINDS, CLASSES, SHARED_LUCK = 6000, 10, 0.85
SEVERITIES = {1: [1], 3: [1, 3, 5], 5: [1, 2, 3, 4, 5]}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Probabilities of each kind: right clean, and right, changed, surviving under stress."""

    label: NDArray[np.int64]
    clean: Floats
    conf: Floats
    right: Floats
    survives: Floats
    changes: Floats
    flips: Floats
    loss: Floats
    brier: Floats
    distance: Floats


def population(variants: int) -> Population:
    """Return an overconfident classifier of ten classes, 55 to 93 % right when unstressed."""
    draws = np.random.default_rng(7)
    label = np.arange(KINDS) % CLASSES
    severity = np.linspace(0.0, 0.5, variants)
    skill = np.linspace(0.3, 2.6, CLASSES)[label] + draws.normal(0, 1.0, KINDS)
    stressed = skill[:, None] - severity
    sure = np.abs(stressed + draws.normal(0, 0.8, stressed.shape)) + 0.4
    conf = (1 / (1 + np.exp(-1.7 * sure))).astype(np.float32).astype(np.float64)
    right = 1 / (1 + np.exp(0.7 - 0.4 * stressed - 0.9 * sure))
    return Population(
        label=label,
        clean=1 / (1 + np.exp(-1.0 * skill - 0.2)),
        conf=conf,
        right=right,
        survives=right**2,
        changes=0.6 * (1 - right),
        flips=0.3 / (1 + np.exp(skill)),
        loss=-np.log(right),
        brier=0.2 + 1.2 * (1 - right),
        distance=np.where(draws.random(KINDS) < 0.2, np.inf, draws.lognormal(-1, 1, KINDS)),
    )


@dataclass(frozen=True)
class Runs:
    """All runs of a simulation in one frame each; run r is rows r·size .. of its frame."""

    rows: pl.DataFrame
    clean: pl.DataFrame
    attacked: pl.DataFrame
    sequences: pl.DataFrame
    changes: pl.DataFrame
    samples: int
    variants: int

    def of(self, frame: pl.DataFrame, run: int) -> pl.DataFrame:
        size = self.samples * (self.variants if frame.height > self.clean.height else 1)
        return frame.slice(run * size, size)


def simulate(people: Population, *, runs: int, samples: int, luck: int | None = None) -> Runs:
    """Draw all runs at once; sample ids are numbers, unique inside a run.

    Always the same samples; ``luck`` seeds what happens to them, always the same if None.
    """
    variants = people.right.shape[1]
    draws = np.random.default_rng(11)
    size = runs * samples
    kind = draws.integers(0, KINDS, size)
    draws = draws if luck is None else np.random.default_rng(luck)
    sample = np.tile(np.arange(samples), runs)

    def happens(chance: Floats) -> NDArray[np.bool_]:
        luck = np.broadcast_to(draws.random((size, 1)), chance[kind].shape)
        own = draws.random(chance[kind].shape)
        return np.where(draws.random(own.shape) < SHARED_LUCK, luck, own) < chance[kind]

    def spread(mean: Floats, shape: float, high: float) -> Floats:
        common = np.broadcast_to(draws.beta(shape, shape, (size, 1)), (size, variants))
        return np.minimum(high, mean[kind] * 2 * common).ravel()

    clean_right = draws.random(size) < people.clean[kind]
    clean_pred = draws.integers(0, CLASSES, size)
    changed = happens(people.changes)
    rows = pl.DataFrame(
        {
            "sample": np.repeat(sample, variants),
            "severity": np.tile(SEVERITIES[variants], size),
            "label": np.repeat(people.label[kind], variants),
            "correct": happens(people.right).ravel(),
            "correct5": happens(np.sqrt(people.right)).ravel(),
            "pred": ((clean_pred[:, None] + changed) % CLASSES).ravel(),
            "conf": people.conf[kind].ravel().astype(np.float32),
            "loss": spread(people.loss, 0.8, np.inf),
            "brier": spread(people.brier, 2.0, np.inf) / 2,
        }
    )
    survived = happens(people.survives) & clean_right[:, None]
    status = pl.Series(np.repeat(clean_right, variants)).replace_strict(
        {True: "ok", False: "clean_error"}
    )
    attacked = rows.select("sample", "label").with_columns(
        correct=pl.Series(survived.ravel()),
        success=pl.when(status == "ok").then(~pl.Series(survived.ravel())),
        status=status,
        norm=pl.lit("Linf"),
        eps=pl.lit(0.1),
    )
    # of the variants of a sample the first is the nearest
    reach = people.distance[kind][:, None] * np.linspace(1, 2, variants)
    changes = rows.select("sample", "label").with_columns(
        success=pl.Series(np.isfinite(reach.ravel())),
        l2=pl.Series(reach.ravel()),
        norm=pl.lit("L2"),
    )
    clean = pl.DataFrame(
        {"sample": sample, "label": people.label[kind], "pred": clean_pred, "correct": clean_right}
    )
    return Runs(
        rows=_complete(rows),
        clean=_complete(clean.with_columns(stress=pl.lit("clean"))),
        attacked=_complete(attacked),
        sequences=_complete(_sequences(people, kind, sample, draws)),
        changes=_complete(changes),
        samples=samples,
        variants=variants,
    )


def _sequences(
    people: Population,
    kind: NDArray[np.int64],
    sample: NDArray[np.int64],
    draws: np.random.Generator,
) -> pl.DataFrame:
    steps = draws.random((kind.size, 7)) < people.flips[kind][:, None]
    pred = np.concatenate([np.zeros((kind.size, 1), np.int64), np.cumsum(steps, axis=1)], axis=1)
    moved = np.where(steps, draws.integers(1, 16, steps.shape), 0)
    lists = {
        "frames_pred": pred,
        "frames_flip": steps,
        "frames_top5_distance": moved,
        "frames_zipf": 0.05 * moved,
    }
    listed = {name: pl.Series(values).arr.to_list() for name, values in lists.items()}
    return pl.DataFrame({"sample": sample, **listed})


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    lists = {
        "frames_pred": pl.Int32,
        "frames_correct": pl.Boolean,
        "frames_conf": pl.Float32,
        "frames_flip": pl.Boolean,
        "frames_top5_distance": pl.Int32,
        "frames_zipf": pl.Float32,
    }
    plain = {
        "stress": "translate(frames=8)",
        "status": "ok",
        "label": 0,
        "norm": None,
        "severity": None,
        "frame_size": "32x32",
    }
    plain |= dict.fromkeys(["pred", "correct", "correct5", "conf", "loss", "brier"])
    typed = {"success": pl.Boolean, "eps": pl.Float32}
    return frame.with_columns(
        *(
            pl.lit(None, dtype=kind).alias(name)
            for name, kind in typed.items()
            if name not in frame.columns
        ),
        *(pl.lit(v).alias(k) for k, v in plain.items() if k not in frame.columns),
        *(
            pl.lit(None, dtype=pl.List(kind)).alias(name)
            for name, kind in lists.items()
            if name not in frame.columns
        ),
    )


def truths(people: Population) -> dict[str, float]:
    """Return what each metric would be for the whole population, in the metric's unit."""
    conf, wrong = people.conf.ravel(), 1 - people.right.ravel()
    order = np.argsort(-conf, kind="stable")
    risk = np.cumsum(wrong[order]) / np.arange(1, wrong.size + 1)
    gap = np.bincount(bins_of(conf), weights=1 - wrong - conf)
    # correlated luck: a loss is 2·mean·beta(0.8, 0.8), whose mean is the mean; brier half of it
    return {
        "top1": 100 * people.right.mean(),
        "top5": 100 * np.sqrt(people.right).mean(),
        "worst_class_top1": 100
        * min(people.right[people.label == c].mean() for c in range(CLASSES)),
        "robust_top1": 100 * (people.clean[:, None] * people.survives).mean(),
        "success_rate": 100
        * float((people.clean[:, None] * (1 - people.survives)).mean() / people.clean.mean()),
        "median_l2": float(np.median(people.distance)),
        "disagreement": 100 * people.changes.mean(),
        "flip_probability": 100 * people.flips.mean(),
        "t5d": 8 * people.flips.mean(),  # a flip moves the classes by 1 to 15 alike
        "zipf_distance": 0.4 * people.flips.mean(),
        "mean_error": 100 - 100 * people.right.mean(),
        "curve_area": 100
        * float(np.trapezoid(people.right.mean(axis=0)))
        / max(1, people.right.shape[1] - 1),
        "drop": 100 * (people.clean.mean() - people.right.mean()),
        "nll": people.loss.mean(),
        "brier": people.brier.mean() / 2,
        "ece": 100 * np.abs(gap).sum() / conf.size,
        "aurc": 100 * risk.mean(),
        "coverage_at_risk": 100 * (np.flatnonzero(risk <= 0.05)[-1] + 1) / risk.size,
    }
