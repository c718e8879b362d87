"""Models that are made of others attack and are attacked like any: as sources and as judges."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from engine_world import write_pictures

import roadworthy as rw
from roadworthy.models.load import load
from roadworthy.types import Need

NETS = """
import torch
from torch import nn

class Colours(nn.Module):
    def __init__(self, tint=0.0, noise=0.0):
        super().__init__()
        weight = 40.0 * torch.eye(3).flip(0)  # classes are in alphabetical order
        weight[0, 1] = 40.0 * tint
        self.head, self.noise = nn.Linear(3, 3, bias=False), noise
        self.head.weight.data = weight.T

    def forward(self, x):
        means = x.mean((2, 3))
        if self.noise:
            means = means + self.noise * torch.randn(len(x), 3, dtype=x.dtype)
        return self.head(means)

def colours(tint=0.0, noise=0.0):
    return Colours(tint, noise)
"""

MADE = {
    "plain": "{net}(size=16)",
    "eot": "eot({net}(noise=0.005, size=16), n=3)",
    "ensemble": "ensemble({net}(size=16), {net}(tint=0.01, size=16))",
    "bpda": "bpda({net}(size=16), jpeg_compression(quality=75))",
    "clahe": "clahe({net}(size=16), tiles=2)",
    "smoothed": "smoothed({net}(size=16), sigma=0.1, draws=9)",
    "labels_only": "labels_only({net}(size=16))",
    "probabilities_only": "probabilities_only({net}(size=16))",
    "quantized": "quantized({net}(size=16), 6, ends=bits, calibration_images=4)",
    "modified": "modified({net}(size=16), precision(dtype=bf16))",
    "both": "smoothed(ensemble({net}(size=16), {net}(tint=0.01, size=16)), sigma=0.1, draws=9)",
}
GRADIENTS = ("plain", "eot", "ensemble", "bpda", "quantized", "modified")
BY_GRADIENT = ["pgd(eps=32/255, steps=3)", "patch(area=0.9, steps=5)"]
BY_QUERIES = ["square(eps=32/255, queries=10)"]
BY_LABELS = ["spatial(draws=8)"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], str, Path]:
    """Return the specs of the models, that of the data, and a folder."""
    folder = tmp_path_factory.mktemp("modified")
    (folder / "nets.py").write_text(NETS)
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=3)}"
    net = f"torch:{folder / 'nets.py'}:colours"
    return {name: text.format(net=net) for name, text in MADE.items()}, data, folder


def able(spec: str) -> list[str]:
    """Return the attacks that a model can be attacked by."""
    gives = load(spec).gives
    found = list(BY_LABELS)
    found += BY_QUERIES if Need.PROBABILITIES in gives or Need.LOGITS in gives else []
    return found + (BY_GRADIENT if Need.GRADIENT in gives else [])


@pytest.mark.parametrize("name", sorted(MADE))
def test_each_is_attacked_by_what_it_allows(
    world: tuple[dict[str, str], str, Path], name: str
) -> None:
    models, data, folder = world
    attacks = able(models[name])
    assert (BY_GRADIENT[0] in attacks) == (name in GRADIENTS)
    assert (BY_QUERIES[0] in attacks) == (name != "labels_only")
    specs = ["clean", *attacks, "certify(sigma=0.1, draws0=5, draws=20)"]
    run = rw.evaluate(models[name], data, specs, out=folder / name)
    rows = run.rows()
    assert set(rows["status"]) <= {"ok", "clean_error"}
    clean = rows.filter(pl.col("stress") == "clean")
    assert clean["correct"].sum() >= 6
    for attack in attacks:
        part = rows.filter(pl.col("stress").str.starts_with(attack.partition("(")[0]))
        assert part["success"].null_count() == 9 - clean["correct"].sum()
        asked = part.filter(pl.col("status") == "ok")["queries"]
        assert (asked > 0).all()
        if name in (*GRADIENTS[:3], "quantized", "modified") and attack in BY_GRADIENT:
            assert part["success"].sum() > 0
    certified = rows.filter(pl.col("stress").str.starts_with("certify"))
    assert certified["certified_radius"].null_count() == 0
    assert (certified["forwards"] == 25 * (3 if name == "eot" else 1)).all()


def test_they_are_sources_and_judges_of_each_other(
    world: tuple[dict[str, str], str, Path],
) -> None:
    models, data, folder = world
    names = [*GRADIENTS, "smoothed", "clahe"]
    run = rw.evaluate(
        [models[n] for n in names],
        data,
        [*BY_GRADIENT, *BY_LABELS],
        out=folder / "t",
        transfer=True,
    )
    rows = run.rows().filter(pl.col("norm").is_not_null())
    for attack, sources in ((BY_LABELS[0], 8), (BY_GRADIENT[0], 6), (BY_GRADIENT[1], 6)):
        part = rows.filter(pl.col("stress").str.starts_with(attack.partition("(")[0]))
        assert part.select("source", "model").unique().height == sources * 8
    # What fools the plain network fools those that hold it, more often than not.
    made = rows.filter(
        pl.col("stress").str.starts_with("pgd"),
        pl.col("source") == load(models["plain"]).spec,  # type: ignore[attr-defined]
        "success",
    )
    alike = ("plain", "ensemble", "bpda", "quantized", "modified")
    assert set(made["model"]) >= {load(models[n]).spec for n in alike}  # type: ignore[attr-defined]


def test_a_number_format_of_a_model_is_judged_and_certified(
    world: tuple[dict[str, str], str, Path],
) -> None:
    models, data, folder = world
    specs = ["precision(dtype=bf16)", "spatial(draws=4)"]
    rows = rw.evaluate(models["eot"], data, specs, out=folder / "bf16", precision="bf16").rows()
    assert set(rows["status"]) <= {"ok", "clean_error"}
    assert set(rows.filter(pl.col("norm") == "spatial")["precision"]) == {"fp32"}
