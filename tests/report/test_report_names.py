from __future__ import annotations

import pytest

from roadworthy.report.cells import cells, label_of
from roadworthy.report.names import (
    AXES,
    axis_of,
    clean_text,
    middle,
    model_names,
    short_names,
    stress_names,
    unframed,
)
from roadworthy.report.reading import Reading, number
from roadworthy.stress import STRESSES


def test_every_registered_stress_has_the_axis_that_its_definition_says() -> None:
    told = {name: axis_of(name) for name in STRESSES}
    assert told == {name: STRESSES.get(name).axis for name in STRESSES}
    assert set(told.values()) <= set(AXES)


@pytest.mark.parametrize(
    ("spec", "axis"),
    [
        ("pgd(eps=1/255, steps=10)", "adversarial"),
        ("gaussian_noise(severity=1..5)", "corruption"),
        ("clean", "clean"),
        ("someone_elses_plugin(a=1)", "other"),
        ("", "other"),
        ("../../etc/passwd", "other"),
        ("base", "other"),
    ],
)
def test_axis_is_read_from_the_head_of_a_spec(spec: str, axis: str) -> None:
    assert axis_of(spec) == axis


def test_folders_go_first_and_names_of_models_keep_their_slash() -> None:
    spec = "torch:tests/models/cifar_resnet.py:resnet20(checkpoint=../shared/models/r.th)"
    assert short_names([spec], 60) == {spec: "torch:…/cifar_resnet.py:resnet20(checkpoint=…/r.th)"}
    assert short_names(["timm/resnet50"], 5) == {"timm/resnet50": "ti…50"}
    assert short_names(["pgd(eps=1/255, steps=100)"], 24)["pgd(eps=1/255, steps=100)"] == (
        "pgd(eps=1/25… steps=100)"
    )


def test_short_names_stay_different() -> None:
    specs = [f"torch:a/b/c/net.py:resnet{depth}(checkpoint=x/{depth}.th)" for depth in (20, 32, 44)]
    specs += ["imagefolder:left/photos", "imagefolder:right/photos"]
    for width in range(3, 60, 4):
        assert len(set(short_names(specs, width).values())) == len(specs)
    assert short_names(specs, 20)[specs[3]] != short_names(specs, 20)[specs[4]]


def test_parameters_that_all_models_share_are_left_out() -> None:
    start = "torch:nets/cifar.py:resnet20(checkpoint=w/{}, mean=imagenet, std=imagenet, size=32)"
    names = short_names([start.format(name) for name in ("plain.th", "robust.pt")], 45)
    for file, name in zip(("plain.th", "robust.pt"), names.values(), strict=True):
        assert file in name
        assert "imagenet" not in name
        assert "size" not in name


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    specs = ["csv:/data/imagenet_sample/labels.csv", "csv:/data/nips17/labels.csv"]
    first, second = short_names(specs, 28).values()
    assert first == "csv:…/imagenet…le/labels.csv"
    assert "nips17" in second


def test_middle_cuts_to_the_width() -> None:
    assert middle("abcdefghij", 5) == "ab…ij"
    assert middle("abcde", 5) == "abcde"


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert clean_text("a\x1b[31mb\nc") == "a\ufffd[31mb\ufffdc"
    assert clean_text("a\u202eb\u2028c") == "a\ufffdb\ufffdc"  # turns text around, ends a line
    assert len(clean_text("x" * 5000)) == 2000


def test_what_scripts_are_written_with_stays() -> None:
    for name in ("می\u200cخواهم", "👩\u200d🚀", "e\u0301clair"):
        assert clean_text(name) == name
    assert clean_text("全角\u3000空白") == "全角 空白"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (71.26, "percent", "71.3"),
        (-0.04, "points", "0.0"),
        (-3.25, "points", "-3.2"),
        (0.91234, "nats", "0.912"),
        (57.0, "none", "57"),
        (3062.0, "none", "3062"),
        (57.5, "none", "57.500"),
        (1.0, "none", "1.000"),
        (50.0, "percent", "50.0"),
        (None, "percent", "–"),
    ],
)
def test_numbers_have_the_precision_of_their_unit(
    value: float | None, unit: str, text: str
) -> None:
    assert number(value, unit) == text


def test_a_reading_without_interval_is_a_value_alone() -> None:
    assert Reading(71.3, 65.0, 77.04).full == "71.3 [65.0, 77.0]"
    assert Reading(71.3, None, 77.0).full == "71.3"
    assert Reading(None, None, None).full == "–"


@pytest.mark.parametrize(
    ("stress", "variant", "label"),
    [
        ("fog(severity=1..5)", "severity=3", "fog(severity=3)"),
        ("fog(severity=[1, 3], size=2)", "severity=3", "fog(severity=3, size=2)"),
        ("pgd(steps=10, eps=1/255)", "eps=1/255", "pgd(steps=10, eps=1/255)"),
        ("pgd(steps=10)", "eps=4/255", "pgd(eps=4/255, steps=10)"),
        ("pgd(deps=10)", "eps=4/255", "pgd(eps=4/255, deps=10)"),
        ("clean", "", "clean"),
        ("precision", "dtype=bf16", "precision(dtype=bf16)"),
        ("odd", "left", "odd left"),
        (
            "resample(side=[24, 28], resize=[box, bilinear], frame=untouched)",
            "side=24,resize=box",
            "resample(side=24, resize=box, frame=untouched)",
        ),
        ("two(b=1)", "a=of(x, y),c=2", "two(a=of(x, y), c=2, b=1)"),
    ],
)
def test_labels_say_the_level_once(stress: str, variant: str, label: str) -> None:
    assert label_of(stress, variant) == label


def test_cells_know_pooled_rows_and_survive_damage() -> None:
    row = {"model": "m", "data": "d", "source": None, "stress": "fog(severity=[1, 2])"}
    rows = [
        {**row, "variant": variant, "metric": "top1", "unit": "percent", "value": 50.0, "n": 4}
        for variant in ("", "severity=1", "severity=2")
    ]
    damaged = [
        None,
        7,
        {},
        {"stress": "clean"},
        {**rows[0], "stress": "jpeg", "value": float("nan")},
    ]
    found = cells({"rows": [*rows, *damaged]})
    assert [(c.variant, c.pooled, c.nested) for c in found] == [
        ("", True, False),
        ("severity=1", False, True),
        ("severity=2", False, True),
        ("", False, False),
    ]
    assert found[3].value("top1") is None
    assert cells({"rows": "no"}) == cells({}) == []


def test_networks_in_files_are_called_by_network_and_checkpoint() -> None:
    a = "torch:nets.py:resnet20(checkpoint='w/r20.th', mean=imagenet)"
    b = "torch:nets.py:resnet20(checkpoint='w/r20_at.pt', mean=imagenet)"
    plain, other = "torch:nets.py:resnet32(size=32)", "timm/resnet50.a1_in1k"
    assert model_names([a, b, plain, other], 48) == {
        a: "resnet20 (r20)",
        b: "resnet20 (r20_at)",
        plain: "resnet32",
        other: other,
    }
    assert model_names([f"{a} [bf16]", a], 48)[f"{a} [bf16]"] == "resnet20 (r20) [bf16]"
    few = f"quantized({a}, bits=4)"
    assert model_names([few, a], 48)[few] == "quantized(resnet20 (r20), bits=4)"
    change = f"modified({b}, change=ceil_mode) [bf16]"
    name = "modified(resnet20 (r20_at), change=ceil_mode) [bf16]"
    assert model_names([change], 60) == {change: name}
    again = a.replace("w/", "v/")
    assert model_names([a, again], 80) == short_names([a, again], 80)


def test_stresses_go_without_frame_and_store_where_that_is_enough() -> None:
    protocol = "frame=imagenet, store=jpeg(quality=85)"
    fog, snow = f"fog(severity=3, {protocol})", f"snow({protocol})"
    assert stress_names([fog, snow], 40) == {fog: "fog(severity=3)", snow: "snow"}
    both = [fog, "fog(severity=3)"]
    assert stress_names(both, 80) == short_names(both, 80)
    assert unframed("no spec frame=(") == "no spec frame=("
