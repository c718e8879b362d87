"""Summaries with everything that a table, a row or a card has to hold."""

from __future__ import annotations

from typing import Any

MODEL, OTHER = "demo/one", "torch:/home/me/nets.py:two(checkpoint=/home/me/second_5%.pt)"
DATA = "imagefolder:/home/me/data/val_set"


def row(
    stress: str,
    variant: str,
    metric: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    model: str = MODEL,
    unit: str = "percent",
    n: int = 40,
    source: str | None = None,
    version: int = 1,
) -> dict[str, Any]:
    """Return a row as it stands in summary.json."""
    return {
        "model": model, "data": DATA, "source": source, "stress": stress, "variant": variant,
        "metric": metric, "unit": unit, "value": value, "low": low, "high": high,
        "n": n, "failed": 0, "version": version,
    }  # fmt: skip


def rows(model: str = MODEL) -> list[dict[str, Any]]:
    """Return what a run says of one model."""
    fog, fmn = "fog(severity=[1, 2])", "fmn(norm=L2, steps=20)"
    own: Any = {"model": model, "source": model, "unit": "none"}
    return [
        row("clean", "", "top1", 87.5, 73.9, 94.54, model=model),
        row("clean", "", "nll", 0.4321987, 0.3, 0.5, model=model, unit="nats"),
        row("clean", "", "ece", 4.0, 1.0, 7.0, model=model),
        row(fog, "", "top1", 61.25, 50.0, 72.0, model=model),
        row(fog, "", "drop", 26.25, 15.0, 37.5, model=model, unit="points"),
        row(fog, "severity=1", "top1", 72.5, 57.2, 83.9, model=model),
        row(fog, "severity=1", "drop", 15.0, 5.0, 25.0, model=model, unit="points"),
        row(fog, "severity=2", "top1", 50.0, 35.2, 64.8, model=model),
        row(fog, "severity=2", "drop", -2.5, -6.0, 1.0, model=model, unit="points"),
        row(fmn, "", "top1", 0.0, 0.0, 8.0, model=model, source=model),
        row(fmn, "", "median_l2", 0.00012, 0.00003, 0.0002, version=2, **own),
        row(fmn, "", "median_l2_per_pixel", 1e-9, 0.0, 2e-9, **own),
        row("cw(norm=Linf)", "", "median_linf", None, 0.31, None, model=model, unit="none"),
        row(
            "cw(norm=Linf)", "", "median_linf_per_pixel", None, 0.1, None, model=model, unit="none"
        ),
        row("imagenet_c", "", "mce", 76.7, 70.0, 80.0, model=model),
    ]


def summary(*models: str) -> dict[str, Any]:
    """Return the summary of a run of some models."""
    named = models or (MODEL,)
    return {
        "schema": 1,
        "run": {
            "roadworthy": "0.1.0",
            "models": [{"spec": model} for model in named],
            "data": [{"spec": DATA}],
            "warnings": [
                {"model": named[-1], "data": DATA, "stress": "clean", "flag": "f", "text": "odd_1"}
            ],
        },
        "rows": [one for model in named for one in rows(model)],
        "unavailable": [
            {"model": named[0], "data": DATA, "stress": "frost|2", "reason": "no <b>textures</b>"}
        ],
    }
