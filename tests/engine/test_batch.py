"""Batch sizes: looked for once a folder, preferred without noise, halved where memory runs out."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_world import COLOURS, QUICK, ColourNet, write_pictures
from torch import Tensor

import roadworthy as rw
from roadworthy.data.registry import open_data
from roadworthy.engine import fastest, settled
from roadworthy.engine.batch import Batches, key_of, out_of_memory
from roadworthy.engine.options import Options
from roadworthy.engine.plan import Cell, Judge, plan
from roadworthy.engine.store import Store
from roadworthy.suites import expand
from roadworthy.types import Classes, Classifier, Metadata


@dataclass
class Memory:
    """How large a batch may be; one for a network and all its copies."""

    most: int


class Hungry(ColourNet):
    """Says that memory ran out above a batch size, and notes the sizes it was given."""

    def __init__(self, memory: Memory, error: BaseException, *, graph: bool = False) -> None:
        super().__init__()
        self.memory, self.error, self.graph = memory, error, graph
        self.seen: list[int] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Hungry:
        """Return a network with weights of its own, which a stress may change, and the same list."""
        memo |= {id(kept): kept for kept in (self.memory, self.error, self.seen)}
        copy = Hungry.__new__(Hungry)
        copy.__dict__ = deepcopy(self.__dict__, memo)
        return copy

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        if len(x) > self.memory.most and (torch.is_grad_enabled() or not self.graph):
            raise self.error
        return super().forward(x)


CPU_TEXT = (
    "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"
)
ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError(CPU_TEXT),
    MemoryError(),
)


def hungry(most: int = 1000, error: BaseException = ERRORS[1], graph: bool = False) -> Classifier:
    """Return the network as a classifier of 16x16 frames."""
    net = Hungry(Memory(1000), error, graph=graph)
    model = rw.wrap(net, size=16, name="colours", classes=Classes(3, COLOURS))
    net.memory.most = most  # only now: wrapping tries the network
    net.seen.clear()
    return model


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a class folder of 48 pictures."""
    return write_pictures(tmp_path_factory.mktemp("batch") / "pictures", each=16)


@pytest.fixture(scope="module")
def calm(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    """Return an undisturbed run at every tap."""
    out = tmp_path_factory.mktemp("calm") / "out"
    return rw.evaluate(hungry(), f"imagefolder:{pictures}", QUICK, out=out)


def same_verdicts(run: rw.Run, calm: rw.Run) -> None:
    """Check that two runs have the same rows, up to float32 and verdicts that are borderline."""
    key = ["stress", "variant", "sample"]
    left, right = run.rows().sort(key), calm.rows().sort(key)
    assert left.select(*key, "status").equals(right.select(*key, "status"))
    sure = ~(left["borderline"].fill_null(value=False) | right["borderline"].fill_null(value=False))
    exact = [*key, "label", "pred", "correct", "frames_pred", "backwards"]
    assert left.filter(sure).select(exact).equals(right.filter(sure).select(exact))
    for column in ("margin", "kl_ref", "linf"):
        np.testing.assert_allclose(
            left[column].fill_null(0.0), right[column].fill_null(0.0), atol=1e-4
        )


@pytest.mark.parametrize("error", ERRORS, ids=["torch", "allocator", "python"])
def test_every_tap_goes_on_with_a_smaller_batch(
    error: BaseException,
    pictures: Path,
    calm: rw.Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = hungry(5, error)
    run = rw.evaluate(model, f"imagefolder:{pictures}", QUICK, out=tmp_path / "out")
    same_verdicts(run, calm)
    assert not run.rows().select("stress", "variant", "sample").is_duplicated().any()
    warned = capsys.readouterr().err.splitlines()
    # 32 -> 16 -> 8 -> 4 once for the whole run; nobody tries more again.
    assert [line.rpartition(" ")[2] for line in warned] == ["16", "8", "4"]
    assert all(line.startswith("warning: '") for line in warned)
    assert set(run.runs[-1]["batch_sizes"].values()) == {4}
    seen = model.module.seen  # type: ignore[attr-defined]
    assert sum(size > 5 for size in seen) == 3


def test_memory_that_ends_in_an_attack_makes_only_attacks_smaller(
    pictures: Path, calm: rw.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = hungry(10, ERRORS[0], graph=True)
    run = rw.evaluate(model, f"imagefolder:{pictures}", QUICK, out=tmp_path / "out")
    same_verdicts(run, calm)
    warned = capsys.readouterr().err.splitlines()
    # An attack takes all 48 of these small frames at once, until it cannot.
    assert [line.rpartition(" ")[2] for line in warned] == ["32", "16", "8"]
    assert all("'pgd(eps=4/255, steps=3)' on 'colours'" in line for line in warned)
    sizes = run.runs[-1]["batch_sizes"]
    assert sorted(sizes.values()) == [8, 32]
    assert next(key for key, size in sizes.items() if size == 8).endswith(" attack")


def test_memory_too_small_for_one_image_is_an_error_that_keeps_what_is_finished(
    pictures: Path, tmp_path: Path
) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    model = hungry(0, ERRORS[0], graph=True)
    with pytest.raises(rw.RoadworthyError, match="on a single image of 16x16") as raised:
        rw.evaluate(model, data, QUICK, out=out)
    assert "pgd" in str(raised.value)
    assert "Tried to allocate 20.00 MiB" in str(raised.value)
    kept = rw.Run(out).rows().group_by("stress").len()
    assert dict(kept.iter_rows())["clean"] == 48
    rw.evaluate(hungry(), data, QUICK, out=out)
    last = rw.Run(out).runs[-1]
    assert last["parts_written"] == 1 + (len(QUICK) - len(kept) - 1)


def test_any_other_failure_is_not_repeated(pictures: Path, tmp_path: Path) -> None:
    model = hungry(5, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(rw.RoadworthyError, match="shapes cannot be multiplied"):
        rw.evaluate(model, f"imagefolder:{pictures}", "clean", out=tmp_path / "out")
    assert model.module.seen.count(32) == 1  # type: ignore[attr-defined]


def test_what_counts_as_memory_running_out() -> None:
    assert all(out_of_memory(error) for error in ERRORS)
    assert not out_of_memory(ValueError("out of memory"))
    assert not out_of_memory(None)
    wrapped = rw.RoadworthyError("model failed")
    wrapped.__cause__ = ERRORS[1]
    assert out_of_memory(wrapped)
    loop = RuntimeError("other")
    loop.__context__ = KeyError()
    loop.__context__.__context__ = loop
    assert not out_of_memory(loop)


def cell_of(pictures: Path, model: Classifier | None = None, **options: Any) -> Cell:
    """Return the clean cell of the small network."""
    model = model or hungry()
    judge = Judge(model, "colours", "fp32", Metadata())
    data = open_data(f"imagefolder:{pictures}")
    return plan([judge], [data], expand(["clean"]), Options(**options)).cells[0]


def test_slices_keep_to_the_grid_whatever_is_missing(pictures: Path) -> None:
    cell, batches = cell_of(pictures), Batches({}, 4, "cpu")
    every = [chosen for chosen, _ in batches.slices(cell, range(10), sum)]
    assert every == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    some = [chosen for chosen, _ in batches.slices(cell, [1, 2, 8, 9], sum)]
    assert some == [[1, 2], [8, 9]]
    assert list(batches.slices(cell, [], sum)) == []


def test_a_size_is_halved_below_what_was_tried(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell, batches = cell_of(pictures), Batches({}, 32, "cpu")

    def work(chosen: list[int]) -> list[int]:
        if len(chosen) > 2:
            raise MemoryError
        return list(chosen)

    made = [done for _, done in batches.slices(cell, range(5), work)]
    assert made == [[0, 1], [2, 3], [4]]
    assert batches.of(cell) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2  # 5 at once, then 4


def times(each: dict[int, float], *, fixed: float = 0.0) -> Callable[[int], float]:
    """Return a stopwatch that takes so long for one image in a batch of some size."""
    return lambda count: fixed + count * each.get(count, each[8])


BIG = 10**9


@pytest.mark.parametrize(
    ("each", "best"),
    [
        ({8: 1.0, 16: 1.0, 32: 1.0, 64: 1.0}, 32),  # a tie
        ({8: 0.93, 16: 0.95, 32: 1.0, 64: 0.92}, 32),  # within noise
        ({8: 0.95, 16: 0.70, 32: 1.0, 64: 0.9}, 16),
        ({8: 0.60, 16: 0.70, 32: 1.0, 64: 0.9}, 8),
        ({8: 1.50, 16: 1.20, 32: 1.0, 64: 0.8}, 64),
        ({8: 0.10, 16: 1.20, 32: 1.0, 64: 1.2}, 32),  # stops where it gets slower
    ],
)
def test_the_fastest_wins_if_it_is_clearly_faster(each: dict[int, float], best: int) -> None:
    scaled = {size: 1e-4 * seconds for size, seconds in each.items()}
    assert fastest.choose(times(scaled), passes=BIG) == best


def test_one_lucky_time_moves_nothing() -> None:
    taken = dict.fromkeys((1, 8, 16, 32, 64), 0)

    def seconds(count: int) -> float:
        taken[count] += 1
        slow = count == 32 and taken[32] <= 2  # something else was running
        return count * (2e-4 if slow else 1e-4)

    assert fastest.choose(seconds, passes=BIG) == 32


@pytest.mark.parametrize("each", [1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 3e-2, 0.1, 1.0])
@pytest.mark.parametrize("passes", [1_000, 20_000, BIG])
def test_looking_takes_little_time(each: float, passes: int) -> None:
    spent = 0.0

    def seconds(count: int) -> float:
        nonlocal spent
        spent += count * each
        return count * each

    fastest.choose(seconds, passes=passes)
    assert spent <= max(1.5, each) + 17 * min(each, 0.05)
    assert spent <= 0.02 * passes * each + 17 * each


def test_a_size_is_settled_once_for_a_folder_and_used_by_every_later_run(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([16, 64])
    monkeypatch.setattr(settled, "FEW_PASSES", 1)
    monkeypatch.setattr(fastest, "fastest", lambda *_, **__: next(answers))
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    first = hungry()
    rw.evaluate(first, data, "clean", out=out)
    again = hungry()
    rw.evaluate(again, data, ["clean", "jpeg(quality=30)"], out=out)
    fixed = hungry()
    rw.evaluate(fixed, data, "jpeg(quality=40)", out=out, batch_size=12)
    for model, size in ((first, 16), (again, 16), (fixed, 12)):
        assert set(model.module.seen) == {size}  # type: ignore[attr-defined]
    sizes = [list(run["batch_sizes"].values()) for run in rw.Run(out).runs]
    assert sizes == [[16], [16], [12]]


def test_a_small_job_does_not_look(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastest, "fastest", lambda *_, **__: pytest.fail("looked"))
    model = hungry()
    rw.evaluate(model, f"imagefolder:{pictures}", "clean", out=tmp_path / "out")
    assert set(model.module.seen) == {32, 16}  # type: ignore[attr-defined]
    assert not (tmp_path / "out" / "batch_sizes").exists()


def test_the_first_to_settle_wins_and_noise_in_a_file_is_no_size(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, cell = Store.create(tmp_path / "out"), cell_of(pictures)
    planned = plan([cell.judge], [cell.source.dataset], expand(["clean"]), Options())
    monkeypatch.setattr(settled, "FEW_PASSES", 1)

    def slower_than_another(*_: object, **__: object) -> int:
        settled._remember(store, key_of(cell, "cpu"), 8)
        return 64

    monkeypatch.setattr(fastest, "fastest", slower_than_another)
    settled.settle(planned, store, Options())
    assert settled.batches(store, Options()).of(cell) == 8
    (path,) = (tmp_path / "out" / "batch_sizes").iterdir()
    for noise in ("", "{", "[]", '{"key": 1, "size": 2}', "\x00" * 100):
        path.write_text(noise)
        assert settled.remembered(store.folder) == {}
    for size in ("0", "-3", "true", "1e3", "1000000"):
        path.write_text(f'{{"key": "k", "size": {size}}}')
        assert settled.remembered(store.folder) == {}
    monkeypatch.setattr(fastest, "fastest", lambda *_, **__: 16)
    settled.settle(planned, store, Options())
    assert settled.batches(store, Options()).of(cell) == 16
    assert settled.batches(store, Options(batch_size=5)).of(cell) == 5
    assert json.loads(path.read_text())["size"] == 16


def test_the_probe_runs_the_model_on_frames_of_its_size(pictures: Path) -> None:
    model = hungry()
    cell = replace(cell_of(pictures, model), size=(24, 40))
    assert fastest.fastest(cell, "cpu", passes=BIG) in (8, 16, 32, 64)
    assert set(model.module.seen) <= {1, 8, 16, 32, 64}  # type: ignore[attr-defined]
    assert {1, 8, 32} <= set(model.module.seen)  # type: ignore[attr-defined]
    broken = hungry(0, ValueError("broken"))
    assert fastest.fastest(cell_of(pictures, broken), "cpu", passes=BIG) == 32
