"""What every registered stress keeps to; a new one is tested the day it appears."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import ColourNet, colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.metrics.catalogue import METRICS
from roadworthy.registry import EMPTY
from roadworthy.spec import parse
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import stress
from roadworthy.suites import expand, suites
from roadworthy.types import Tap

EXAMPLES = {
    "fab": "fab(steps=3)",
    "fab_targeted": "fab_targeted(steps=3)",
    "deepfool": "deepfool(steps=10)",
    "jpeg": "jpeg(quality=20)",
    "resizer": "resizer(resize=opencv-nearest)",
    "decoder": "decoder(decode=simplejpeg-ifast)",
    "orientation": "orientation(orient=exif)",
    "colour": "colour(colour=bgr)",
    "profile": "profile(profile=srgb)",
    "cmyk": "cmyk(cmyk=opencv)",
    "alpha": "alpha(alpha=white)",
    "depth": "depth(depth=saturate)",
    "geometry": "geometry(geometry=letterbox)",
    "crop": "crop(crop=0.5)",
    "pgd": "pgd(eps=16/255, steps=2)",
    "apgd": "apgd(eps=16/255, steps=2)",
    "apgd_targeted": "apgd_targeted(eps=16/255, steps=2, targets=1)",
    "square": "square(eps=16/255, queries=8)",
    "nes": "nes(eps=16/255, queries=66, samples=64, step=1)",
    "spsa": "spsa(eps=16/255, queries=66, samples=64, step=1)",
    "simba": "simba(eps=16/255, queries=8)",
    "n_attack": "n_attack(eps=16/255, queries=66, samples=64, step=1)",
    "fgsm": "fgsm(eps=16/255)",
    "bim": "bim(eps=16/255, steps=2)",
    "mim": "mim(eps=16/255, steps=2, parts=(diverse, translation(kernel=3), scale(copies=2)))",
    "nearest": "nearest(ddn(steps=5), fmn(steps=5), norm=L2)",
    "eps_search": "eps_search(pgd(eps=8/255, steps=2, relative_step=2), doublings=1, bisections=2)",
    "autoattack": "autoattack(eps=64/255)",
    "cascade": "cascade(pgd(steps=1), pgd(steps=3), eps=16/255)",
    "ddn": "ddn(steps=5)",
    "fmn": "fmn(steps=5)",
    "carlini_wagner": "carlini_wagner(steps=5, search_steps=4, initial_c=1)",
    "ead": "ead(steps=5, search_steps=4, initial_c=1)",
    "sigma_zero": "sigma_zero(steps=5)",
    "hopskipjump": "hopskipjump(queries=100, probes=20)",
    "boundary": "boundary(queries=60)",
    "evolutionary": "evolutionary(queries=60)",
    "spatial": "spatial(grid=(3, 3))",
    "patch": "patch(area=0.2, steps=3)",
    "clever": "clever(batches=6, draws=4)",
    "sis": "sis(threshold=0.335, schedule=geometric, rate=0.3, draws=2, fractions=(0.3))",
    "certify": "certify(draws0=5, draws=20)",
    "normalisation": "normalisation(mistake=half)",
    "padding": "padding(style=same)",
    "precision": "precision(dtype=bf16)",
    "quantize": "quantize(bits=4, ends=bits, calibration_images=4)",
    "translate": "translate(frames=4)",
    "lowpass": "lowpass(radius=4)",
    "highpass": "highpass(radius=4)",
    "band_noise": "band_noise(low=2, high=8, rms=0.1)",
    "patch_shuffle": "patch_shuffle(grid=4)",
    "keep": "keep(region=[border, centre, random, edges], fraction=0.2)",
    "compose": "compose(gaussian_noise(severity=2), brightness(severity=1))",
    "resample": "resample(side=9)",
    "stack": "stack(resizer(resize=opencv-nearest), precision(dtype=bf16))",
}
"""A spec for stresses with parameters that have no default; others are tested as they stand."""

UNSEEN = {"clean", "patch_shuffle", "clever", "certify"}
UNSEEN |= {"decoder", "orientation", "profile", "cmyk", "alpha", "depth"}
"""Stresses that a network of mean colours cannot notice on upright PNGs, and probes."""


class Varied(ColourNet):
    """Tells colours, and has a little of all that a change of the network may be about."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.strided, self.act = nn.Conv2d(3, 3, 3, 2, padding=1), nn.GELU()
        self.pool, self.mixed = nn.MaxPool2d(3, 2), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        more = 0.1 * self.pool(self.mixed(self.strided(x)))
        both: Tensor = more + 8.0 * self.act(more - 2.5)  # where its two forms are furthest apart
        return super().forward(x) + both.mean((2, 3))


SPECS = {name: EXAMPLES.get(name, name) for name in STRESSES}
CHANGES = ["ceil_mode", "gelu", "padding", "batch_norm_eps"]
"""Stresses that are about parts which a network of mean colours does not have."""

OTHERS = [name for name in SPECS if name not in CHANGES]
Runs = dict[str, rw.Run]
"""The run in which a stress took part, by the name of the stress."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runs, Runs, Runs]:
    """Return three runs of every stress: twice the same, and once in reverse, one at a time."""
    folder = tmp_path_factory.mktemp("contracts")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=3)}"

    def every(out: str, *, step: int = 1, **options: Any) -> Runs:
        found: Runs = {}
        for network, names in ((ColourNet(), OTHERS), (Varied(), CHANGES)):
            specs = [SPECS[name] for name in names[::step]]
            place = folder / out / type(network).__name__
            run = rw.evaluate(colour_net(network), data, specs, out=place, **options)
            found |= dict.fromkeys(names, run)
        return found

    return every("a"), every("b"), every("c", step=-1, batch_size=1)


def _of(runs: Runs, name: str, *, clean: bool = False) -> pl.DataFrame:
    key, wanted = ["sample", "variant"], "clean" if clean else SPECS[name]
    rows = runs[name].rows()
    return rows.filter(pl.col("stress") == stress(wanted).spec).sort(key)


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_file_name_summary_and_docstring_are_there(name: str) -> None:
    item = STRESSES.get(name)
    assert item.name == name
    assert STRESSES.summary(name)
    assert len(item.doc) > 40
    for parameter in item.parameters:
        assert parameter.type is not inspect.Parameter.empty


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_the_canonical_text_names_the_same_stress(name: str) -> None:
    bound = stress(SPECS[name])
    again = stress(bound.spec)
    assert again.spec == bound.spec
    assert again.digest == bound.digest
    assert again.settings == bound.settings
    assert str(parse(bound.spec)) == bound.spec


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_required_parameters_are_asked_for(name: str) -> None:
    item = STRESSES.get(name)
    missing = [p.name for p in item.parameters if p.default is EMPTY]
    if missing:
        with pytest.raises(rw.UsageError, match=missing[0]):
            stress(name)
    else:
        assert stress(name).settings


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_every_sample_gets_a_usable_row_for_every_variant(
    runs: tuple[Runs, Runs, Runs], name: str
) -> None:
    rows, bound = _of(runs[0], name), stress(SPECS[name])
    allowed = ["ok", "clean_error"]
    if bound.definition.ranking is not None:
        assert (rows["status"] == "ok").sum() > 5 * len(rows) / 9
        allowed.append("not_applicable")
    assert rows["status"].is_in(allowed).all()
    keys = {setting.key for setting in bound.settings}
    if bound.definition.ranking is not None:  # one setting is shown in many ways, some of them not
        rows = rows.filter(pl.col("variant").is_in(keys))
    assert len(rows) == 9 * len(keys)
    assert set(rows["variant"]) == keys


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_the_same_seed_gives_the_same_rows(runs: tuple[Runs, Runs, Runs], name: str) -> None:
    assert _of(runs[0], name).equals(_of(runs[1], name))


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_order_and_batch_size_change_no_verdict(runs: tuple[Runs, Runs, Runs], name: str) -> None:
    one, other = _of(runs[0], name), _of(runs[2], name)
    sure = ~one["borderline"].fill_null(value=False)
    columns = ["sample", "variant", "pred", "correct", "top5", "frames_pred", "status"]
    assert one.filter(sure).select(columns).equals(other.filter(sure).select(columns))
    for column in ("conf", "margin", "loss"):
        np.testing.assert_allclose(one[column].fill_null(0), other[column].fill_null(0), atol=1e-4)


@pytest.mark.parametrize("name", sorted(set(STRESSES) - UNSEEN))
def test_a_stress_changes_something(runs: tuple[Runs, Runs, Runs], name: str) -> None:
    clean, rows = _of(runs[0], name, clean=True), _of(runs[0], name)
    if STRESSES.get(name).sequence:
        confidences = np.array(rows["frames_conf"].to_list())
        assert np.ptp(confidences, axis=1).max() > 1e-4
        return
    joined = rows.join(clean, on="sample", suffix="_clean").filter(pl.col("status") == "ok")
    assert (joined["margin"] - joined["margin_clean"]).abs().max() > 1e-5  # type: ignore[operator]


@pytest.mark.parametrize("name", sorted(STRESSES))
def test_needs_and_tap_are_declared(name: str) -> None:
    item = STRESSES.get(name)
    assert isinstance(item.tap, Tap)
    if item.tap is Tap.INPUT:
        assert item.needs or item.composed  # members say what they need
        assert item.cost != "cheap"
    if item.takes_draws:
        assert item.tap in (Tap.BYTES, Tap.RESIZED, Tap.IMAGE, Tap.INPUT)


def test_every_suite_resolves_and_quick_covers_every_tap() -> None:
    for name in suites():
        assert expand([name])
    taps = {one.definition.tap for one in expand(["quick"])}
    assert taps == set(Tap)


def test_every_metric_has_a_unit_a_direction_and_a_docstring() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.unit in ("percent", "points", "nats", "none")
        assert metric.direction in ("higher", "lower", "neutral")
        assert len(metric.doc) > 40


def test_a_stress_of_another_package_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from roadworthy.registry import Registry
    from roadworthy.stress.base import StressDefinition

    class Point:
        name, value = "wobble", "other_package:wobble"

        def load(self) -> Any:
            return STRESSES.get("translate")

    monkeypatch.setattr("roadworthy.registry.entry_points", lambda group: [Point()])
    registry = Registry("stress", StressDefinition, (), "roadworthy.stresses")
    assert list(registry) == ["wobble"]
    assert registry.get("wobble") is STRESSES.get("translate")


def test_the_network_of_these_tests_is_not_constant() -> None:
    assert ColourNet().conv.weight.abs().sum() > 0
