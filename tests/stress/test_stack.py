"""Several changes of a deployment at once: of the reading of files and of the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import ColourNet, colour_net, write_pictures

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.pipeline.base import Pipeline, run
from roadworthy.stress.bound import stress
from roadworthy.stress.changes import judged_by, modifies, read_by

OWN = Pipeline(size=(16, 16))
BOTH = "stack(resizer(resize=opencv-nearest), precision(dtype=bf16))"


def read(text: str) -> Pipeline:
    one = stress(text)
    return read_by(one, one.settings[0], OWN)


def test_readers_act_on_the_pipeline_and_modifiers_on_the_model() -> None:
    one, model = stress(BOTH), colour_net()
    assert read(BOTH) == Pipeline(size=(16, 16), resize="opencv-nearest")
    assert modifies(one)
    assert judged_by(one, one.settings[0], model).id.endswith("+bf16")
    alone = stress("stack(resizer(resize=opencv-nearest))")
    assert not modifies(alone)
    assert judged_by(alone, alone.settings[0], model) is model
    assert not modifies(stress("fog(severity=1)"))
    assert read("fog(severity=1)") == OWN


def test_another_member_or_parameter_is_another_stress() -> None:
    texts = [
        BOTH,
        BOTH.replace("bf16", "fp16"),
        BOTH.replace("nearest", "area"),
        f"{BOTH[:-1]}, frame=tiny)",
    ]
    assert len({stress(text).digest for text in texts}) == len(texts)
    assert stress(BOTH).spec == BOTH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stack()", "needs 'members'"),
        ("stack(fog(severity=1))", "'fog' changes neither how files are read nor the network"),
        ("stack(pgd(eps=1/255))", "it acts at the tap INPUT"),
        ("stack(stack(precision(dtype=bf16)))", "made of others"),
        ("stack(resizer(resize=[opencv-area, opencv-cubic]))", "2 variants"),
        ("stack(resizer(resize=opencv-area, frame=tiny))", "give frame and store to stack"),
        (
            "stack(resizer(resize=opencv-area), resizer(resize=opencv-cubic))",
            "'resizer' is there 2 times",
        ),
        ("stack(resizer(resise=opencv-area))", "resize"),
    ],
)
def test_what_is_no_change_of_a_deployment_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        stress(text)


def test_a_run_reads_by_one_and_judges_by_the_other(tmp_path: Path) -> None:
    """Confidences are those of the network in bfloat16 on frames that OpenCV made."""
    data = write_pictures(tmp_path / "data", each=3)
    done = rw.evaluate(
        colour_net(),
        f"imagefolder:{data}",
        [BOTH, "resizer(resize=opencv-nearest)"],
        out=tmp_path / "r",
    )
    rows = done.rows().filter(pl.col("stress") == BOTH).sort("sample")
    assert rows["modifier"].unique().to_list() == [BOTH]
    pipeline = Pipeline(size=(16, 16), resize="opencv-nearest", crop=1.0)
    assert rows["pipeline"].unique().to_list() == [str(pipeline)]
    frames = [run((data / s).read_bytes(), pipeline, name=s) for s in rows["sample"]]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        logits = ColourNet().eval().to(torch.bfloat16)(x.to(torch.bfloat16)).float()
    expected = logits.softmax(1).amax(1)
    np.testing.assert_allclose(rows["conf"].to_numpy(), expected.numpy(), atol=1e-5)
    plain = done.rows().filter(pl.col("stress").str.starts_with("resizer")).sort("sample")
    assert plain["modifier"].is_null().all()
    assert not np.allclose(plain["conf"].to_numpy(), expected.numpy(), atol=1e-5)


def test_in_another_frame_it_is_compared_with_clean_in_that_frame(tmp_path: Path) -> None:
    """The pipeline changed is that of the frame, whatever the model's own."""
    data = write_pictures(tmp_path / "data", each=3)
    text = "resizer(resize=opencv-nearest, frame=tiny)"
    done = rw.evaluate(colour_net(), f"imagefolder:{data}", text, out=tmp_path / "r")
    rows = done.rows()
    assert rows["stress"].unique().sort().to_list() == ["clean(frame=tiny)", text]
    said = dict(rows.select("stress", "pipeline").unique().iter_rows())
    tiny = Pipeline(size=(64, 64), geometry="squash")
    assert said["clean(frame=tiny)"] == str(tiny)
    assert said[text] == str(Pipeline(size=(64, 64), geometry="squash", resize="opencv-nearest"))
    drops = [row for row in done.summary["rows"] if row["metric"] == "drop"]
    assert [row["stress"] for row in drops] == [text]
