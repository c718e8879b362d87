"""Two artefacts of one model: where they part, and what it costs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from against_world import CLASSES, SIZE, Broken, Mean, Noisy, compared, model, pictures
from PIL import Image
from test_check_pipelines import NETWORK, called, widest

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.silent import silent
from roadworthy.preflight.against.printed import printed
from roadworthy.preflight.against.report import Artefacts
from roadworthy.preflight.prices import Row
from roadworthy.types import Classes

FLOAT = model(Mean(), "float")


def rows(found: Artefacts) -> dict[str, Row]:
    return {row.name: row for row in found.prices.rows}


def test_the_same_twice_is_exactly_the_same() -> None:
    found = compared(FLOAT, model(Mean(), "float"), pictures(), max_drop=0)
    assert (found.logits.largest, found.logits.cosine, found.logits.agreement) == (0, 1, 100)
    assert found.diverges is None
    (row,) = found.prices.rows
    assert (row.price.drop, row.price.low, row.price.high, row.price.p) == (0, 0, 0, 1)
    assert list(found.flips) == [0, 0, 0, 0]
    assert found.exit_code == 0
    assert "the same to the last bit" in printed(found)


def test_another_constant_is_the_network_and_known_in_closed_form() -> None:
    found = compared(FLOAT, model(Mean(more=0.5), "more"), pictures())
    assert found.logits.largest == pytest.approx(0.5, abs=1e-5)
    assert found.logits.mean == pytest.approx(0.5, abs=1e-5)
    assert 0.5 < found.logits.cosine < 1
    assert found.logits.agreement == 100
    assert found.diverges == "network"
    (row,) = found.prices.rows
    assert (row.name, row.price.flips, row.price.p) == ("network", 0, 1)
    assert found.flips[3] == pytest.approx(100 * 3.8415 / (36 + 3.8415), rel=1e-3)  # Wilson's of 0


def test_another_reading_is_named_and_costs_what_it_costs() -> None:
    found = compared(FLOAT, model(Mean(), "bgr", colour="bgr"), pictures(), max_drop=10)
    assert found.diverges == "colour"
    assert found.logits.largest == 0  # on the same tensor
    by = rows(found)
    assert by["network"].price.drop == 0
    assert by["reading"].price.drop == by["together"].price.drop == pytest.approx(200 / 3)
    assert by["together"].price.p == pytest.approx(2 * 0.5**24)
    assert found.flips[0] == 24
    assert found.exit_code == 4
    assert [s.factor for s in found.suggestions] == ["colour"]
    assert "together: drop 66.67 points" in printed(found)


def test_network_and_reading_are_told_apart_when_both_differ() -> None:
    # The one mistake undoes the other on whole files; each by itself turns two classes round.
    other = model(Mean((2, 1, 0)), "both", colour="bgr", classes=Classes(3))
    found = compared(model(Mean(), "float", classes=Classes(3)), other, pictures(each=2))
    by = rows(found)
    assert found.diverges == "colour"
    assert by["network"].price.drop == by["reading"].price.drop == pytest.approx(200 / 3)
    assert by["together"].price.drop == 0


def test_numbers_inside_the_network_are_no_difference() -> None:
    found = compared(FLOAT, model(Mean(inside=True), "inside", mean="none"), pictures())
    assert found.diverges is None
    assert found.logits.same
    assert any("normalises by itself" in note for note in found.notes)
    assert len(found.prices.rows) == 1


def test_other_numbers_are_the_stage_that_diverges() -> None:
    found = compared(FLOAT, model(Mean(), "imagenet", mean="imagenet"), pictures())
    assert found.diverges == "normalise"
    by = rows(found)
    assert found.logits.largest == 0
    assert by["network"].price.kl == 0
    assert by["reading"].price.kl > 0.01
    assert by["reading"].price.kl == pytest.approx(by["together"].price.kl, rel=1e-3)


def test_beside_a_model_that_says_labels_alone_there_is_no_divergence() -> None:
    whole = model(Mean(), "bgr", colour="bgr")
    found, known = (
        compared(FLOAT, other, pictures()) for other in (silent(whole, "labels"), whole)
    )
    by, beside = rows(found), rows(known)
    assert by["together"].price.drop == beside["together"].price.drop == pytest.approx(200 / 3)
    assert beside["together"].price.kl > 0
    assert {row.as_dict()["kl"] for row in by.values()} == {None}


def preprocess(data: bytes) -> Any:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    pixels = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.float32)
    return (pixels / 255 - 0.5).transpose(2, 0, 1) / 0.5


def test_a_live_pipeline_of_the_second() -> None:
    found = compared(FLOAT, model(Mean(), "other"), pictures(), deployment=preprocess)
    assert found.comparison is not None
    assert found.comparison.first is None
    assert found.prices.rows[-1].price.flips == 0
    swapped = compared(
        FLOAT, model(Mean(), "other"), pictures(), deployment=lambda d: preprocess(d)[::-1].copy()
    )
    assert swapped.diverges == "colour"
    assert rows(swapped)["together"].price.drop == pytest.approx(200 / 3)


def test_without_data_drawn_pictures_and_probes_serve() -> None:
    found = compared(FLOAT, model(Mean(more=0.5), "more"))
    assert found.prices.n == 64
    assert not found.prices.labelled
    assert found.comparison is not None
    assert found.comparison.kind == "probes"
    assert found.logits.largest == pytest.approx(0.5, abs=1e-4)


def test_values_that_are_not_finite_are_counted_and_wrong() -> None:
    found = compared(FLOAT, model(Broken(), "nan"), pictures())
    assert (found.logits.broken, found.logits.broken_in) == (12, (0, 12))
    assert "0 answers of the first artefact, 12 of the second" in printed(found)
    assert found.diverges == "network"
    (row,) = found.prices.rows
    assert row.price.drop == row.price.flips == pytest.approx(100 / 3)
    twice = compared(model(Broken(), "nan"), model(Broken(), "nan"), pictures())
    assert (twice.logits.broken_in, twice.flips[0], twice.prices.rows[0].untouched) == (
        (12, 12),
        0,
        True,
    )
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_broken_file_is_counted_and_named() -> None:
    found = compared(FLOAT, model(Mean(more=0.5), "more"), pictures(broken=2))
    assert (found.prices.n, len(found.failures), found.prices.refused) == (34, 2, 0)
    assert "2 images cannot be read, first '0.png' is broken" in printed(found)
    with pytest.raises(UsageError, match="no image of 'pictures' can be read: '"):
        compared(FLOAT, FLOAT, pictures(broken=100))


def test_what_the_second_refuses_may_be_lost() -> None:
    def choosy(data: bytes) -> Any:
        if data in refused:
            raise ValueError("not this one")
        return preprocess(data)

    data = pictures()
    refused = {data.read(sample) for sample in data.samples[:9]}
    whole, part = (
        compared(FLOAT, model(Mean(), "other"), data, deployment=call, max_drop=12)
        for call in (preprocess, choosy)
    )
    assert whole.gate is not None
    assert part.gate is not None
    assert (whole.gate.decision, part.gate.decision) == ("passed", "undecided")
    assert "9 images that training reads are refused" in part.gate.sentence
    assert (part.prices.refused, len(part.failures)) == (9, 9)


def test_frames_of_two_sizes_are_said_to_be_that() -> None:
    found = compared(FLOAT, rw.wrap(Mean(), mean="half", std="half", size=24, name="s"), pictures())
    assert found.diverges == "resize"
    assert any("takes frames of 24x24: the same tensor, 32x32, is" in n for n in found.notes)


def test_pixels_are_told_from_numbers_whatever_the_scale_of_the_logits() -> None:
    class Roots(Mean):
        """Takes pixels, has NaN for negative numbers, and hundredfold logits."""

        def forward(self, x: Any) -> Any:
            return 100 * super().forward(x.sqrt().square())

    found = compared(FLOAT, model(Roots(inside=True), "roots", mean="none"), pictures())
    assert any("normalises by itself" in note for note in found.notes)
    assert found.logits.broken == 0


def test_artefacts_of_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match="is random: asked twice"):
        compared(FLOAT, model(Noisy(), "noisy"), pictures())
    with pytest.raises(UsageError, match="has 3 classes and 'two' has 2"):
        compared(FLOAT, model(Mean((0, 1)), "two", classes=Classes(2)), pictures())
    named = model(Mean(), "named", classes=Classes(3, names=("green", "red", "blue")))
    with pytest.raises(UsageError, match="output 0 is 'red' of the one and 'green' of the other"):
        compared(FLOAT, named, pictures())
    with pytest.raises(UsageError, match="come in another order"):
        compared(FLOAT, model(Mean((2, 0, 1)), "turned"), pictures())
    everywhere = model(Broken((0, 0, 0), more=float("nan")), "nan")
    with pytest.raises(RoadworthyError, match="'float' for 0, 'nan' for 36"):
        compared(FLOAT, everywhere, pictures())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("against")
    (place / "network.py").write_text(NETWORK)
    data = pictures(each=4)
    for sample in data.samples:
        (place / "data" / str(sample.label)).mkdir(parents=True, exist_ok=True)
        (place / "data" / str(sample.label) / sample.id).write_bytes(data.read(sample))
    return place


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = f"torch:{folder}/network.py:network(size={SIZE}, mean=half, std=half, geometry=squash)"
    other = one.replace("geometry", "colour=bgr, geometry")
    data = ("-d", f"imagefolder:{folder}/data")
    code, out, _ = called("-m", one, *data, "--against", other, "--max-drop", "5", capsys=capsys)
    assert code == 4
    assert "first to diverge: colour" in out
    assert "failed: together: drop 66.67" in out
    assert "flips: 8 of 12 predictions, 66.67 %, 95 % [39.06, 86.19]" in out
    assert widest(out) <= 100
    code, out, _ = called(
        "-m", one, *data, "--against", one, "--max-drop", "0", "--json", capsys=capsys
    )
    found = json.loads(out)
    assert (code, found["diverges"], found["logits"]["largest"]) == (0, None, 0)
    assert found["prices"]["rows"][0]["p"] == 1
    code, _, err = called("--against", one, capsys=capsys)
    assert (code, "give that as -m MODEL" in err) == (2, True)
    code, _, err = called("-m", one, "--against", f"onnx:{folder}/net.onnx", capsys=capsys)
    assert (code, "there is no file" in err) == (2, True)


def test_names_are_needed_of_classes_only_where_both_have_them() -> None:
    assert compared(FLOAT, model(Mean(), "plain", classes=Classes(3)), pictures()).diverges is None
    spelt = Classes(3, names=("Red", "Green", "Blue"))  # another spelling is no other order
    assert compared(FLOAT, model(Mean(), "spelt", classes=spelt), pictures()).diverges is None
    assert CLASSES.names is not None
