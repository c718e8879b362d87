"""Records by number are the records by name: of a run whose later invocation asked for less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures
from polars.testing import assert_frame_equal

import roadworthy as rw
from roadworthy.engine.parts import sealed
from roadworthy.metrics.catalogue import METRICS, OF_TARGETS, UNREAD, evaluate_all, unread
from roadworthy.metrics.seen import once
from roadworthy.metrics.sorting import falling, grouped
from roadworthy.report.numbered import Numbered
from roadworthy.run import CellRecord


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    folder = tmp_path_factory.mktemp("numbered")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=4)}"
    net, stresses = colour_net(), ["clean", "gaussian_noise(severity=[1, 5])"]
    rw.evaluate(net, data, stresses, out=folder / "out")
    # a changed picture is another sample, and fewer of them are asked for
    write_pictures(folder / "other", each=1)
    Path(folder / "other" / "red" / "0.png").replace(folder / "pictures" / "blue" / "1.png")
    rw.evaluate(net, data, ["jpeg(quality=30)"], out=folder / "out", limit=5)
    return rw.Run(folder / "out")


def test_numbers_are_places_in_the_sorted_ids_and_rows_are_those_asked_for(run: rw.Run) -> None:
    numbered = Numbered(run)
    sizes = []
    for cell in run.cells:
        expected = run.rows_of(cell)
        found = numbered.rows_of(cell)
        ids = numbered.ids(cell.data)
        assert ids.to_list() == sorted(set(ids.to_list()))
        assert found["sample"].is_sorted()
        named = found.with_columns(sample=ids.gather(found["sample"]))
        assert_frame_equal(named, expected.sort("sample", maintain_order=True))
        sizes.append(len(found))
    assert sorted(sizes) == [
        5,
        5,
        24,
    ]  # clean and jpeg of the second invocation, noise of the first


def test_columns_that_no_metric_looks_at_are_left_out_and_change_none(run: rw.Run) -> None:
    whole, few = Numbered(run), Numbered(run, unread())
    clean = [whole.rows_of(run.cells[0]), few.rows_of(run.cells[0])]
    for cell in run.cells:
        rows = [whole.rows_of(cell), few.rows_of(cell)]
        assert set(rows[0].columns) - set(rows[1].columns) == {*UNREAD, *OF_TARGETS}
        results = [evaluate_all(one, usual) for one, usual in zip(rows, clean, strict=True)]
        assert len(results[0]) > 5
        assert results[0] == results[1]


def test_what_only_targets_need_is_read_where_there_are_targets(
    run: rw.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, read = run.cells[0], run.unordered

    def targeted(cell: CellRecord, *, without: Sequence[str] = ()) -> pl.DataFrame:
        rows = read(cell).with_columns(target=pl.lit(1, pl.Int32))
        return rows.drop(without)

    monkeypatch.setattr(run, "unordered", targeted)
    found = Numbered(run, unread()).rows_of(cell)
    assert set(OF_TARGETS) <= set(found.columns)
    assert not set(UNREAD) & set(found.columns)


def test_a_plug_in_may_look_at_every_column(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unread() == UNREAD

    def theirs(rows: pl.DataFrame) -> None: ...

    alien = replace(METRICS["top1"], name="theirs", function=theirs)
    monkeypatch.setattr("roadworthy.metrics.catalogue.METRICS", {**METRICS, "theirs": alien})
    assert unread() == ()


def test_rows_that_stand_otherwise_than_those_before_are_looked_up_again(run: rw.Run) -> None:
    cells = [run.cells[1], run.cells[0], run.cells[1], run.cells[2], run.cells[0]]
    together = Numbered(run)
    for cell in cells:
        assert_frame_equal(together.rows_of(cell), Numbered(run).rows_of(cell))


def test_images_are_not_read_again_where_a_file_says_that_they_are_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=4)}"
    stresses = ["gaussian_noise(severity=[1, 5])", "fog(severity=[1, 5])", "jpeg(quality=30)"]
    rw.evaluate(colour_net(), data, stresses, out=tmp_path / "out")
    run = rw.Run(tmp_path / "out")
    cells = {cell.stress.partition("(")[0]: cell for cell in run.cells}
    standing = {name: run.standing(cell) for name, cell in cells.items()}
    assert standing["gaussian_noise"] == standing["fog"] != standing["jpeg"] == standing["clean"]
    assert None not in standing.values()
    left_out: list[tuple[str, ...]] = []
    read = run.unordered

    def noted(cell: CellRecord, *, without: Sequence[str] = ()) -> pl.DataFrame:
        left_out.append(tuple(name for name in without if name in ("sample", "content")))
        return read(cell, without=without)

    monkeypatch.setattr(run, "unordered", noted)
    few, whole = Numbered(run, unread()), Numbered(run)
    for name in ("gaussian_noise", "fog", "jpeg", "fog", "fog"):
        apart = Numbered(rw.Run(tmp_path / "out"))
        expected = apart.rows_of(cells[name])
        left_out.clear()
        assert_frame_equal(whole.rows_of(cells[name]), expected)
        assert_frame_equal(few.rows_of(cells[name]), expected.drop(*UNREAD, *OF_TARGETS))
    assert left_out == [("sample", "content"), ("sample", "content")]

    # another process puts another file there between two looks
    others = iter((standing["fog"], "of another file"))
    monkeypatch.setattr(run, "standing", lambda cell: next(others, "of another file"))
    assert_frame_equal(whole.rows_of(cells["jpeg"]), apart.rows_of(cells["jpeg"]))


def _three(folder: Path) -> tuple[rw.Run, dict[str, CellRecord]]:
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=4)}"
    stresses = ["gaussian_noise(severity=1)", "fog(severity=1)", "snow(severity=1)"]
    rw.evaluate(colour_net(), data, stresses, out=folder / "out")
    run = rw.Run(folder / "out")
    return run, {cell.stress.partition("(")[0]: cell for cell in run.cells}


def test_a_part_that_is_written_anew_under_its_name_is_read_anew(tmp_path: Path) -> None:
    run, cells = _three(tmp_path)
    numbered = Numbered(run, unread())
    numbered.rows_of(cells["gaussian_noise"])
    before = numbered.rows_of(cells["fog"])
    (part,) = [p for p in run.store.parts()[0] if p.request == cells["fog"].request]
    rows = pl.read_parquet(part.path)
    fewer = rows.head(5).with_columns(pred=pl.lit(2, pl.Int32), correct=pl.lit(value=False))
    part.path.unlink()
    part.path.write_bytes(sealed(fewer, part.footer))
    found = numbered.rows_of(cells["fog"])
    assert (len(before), len(found)) == (12, 5)
    assert_frame_equal(found, Numbered(rw.Run(run.folder), unread()).rows_of(cells["fog"]))
    assert set(found["pred"]) == {2}


def test_how_rows_stand_is_kept_only_if_their_file_stayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cells = _three(tmp_path)
    numbered, said = Numbered(run, unread()), iter(("one file", "one file", "another"))
    monkeypatch.setattr(run, "standing", lambda cell: next(said, "another"))
    numbered.rows_of(cells["fog"])  # another file is put there while it is read
    assert [stood.standing for stood in numbered._stood.values()] == [None]


def test_columns_with_a_null_are_not_taken_for_one_value(run: rw.Run) -> None:
    from roadworthy.report.numbered import _slim

    rows = run.rows_of(run.cells[0])
    holey = rows.with_columns(
        reason=pl.when(pl.int_range(pl.len()) != 2).then(pl.lit("why")),
        loss=pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise(0.5).cast(pl.Float32),
    )
    assert_frame_equal(_slim(holey, ()), holey)


def test_orders_are_those_of_a_plain_stable_sort() -> None:
    rng = np.random.default_rng(0)
    for size, top in ((0, 1), (1, 5), (5000, 40), (5000, 70_000), (200_000, 2**20)):
        index = rng.integers(0, top, size)
        assert grouped(index).tolist() == np.argsort(index, kind="stable").tolist()
    single = rng.random(5000).astype(np.float32).astype(float).round(2).astype(np.float32)
    for values in (single.astype(float), rng.random(500), -rng.random(500), np.array([0.0, -0.0])):
        assert falling(values).tolist() == np.argsort(-values, kind="stable").tolist()


def test_what_was_seen_is_seen_once_and_forgotten_with_its_frame() -> None:
    from roadworthy.metrics import seen

    frame, answers = pl.DataFrame({"a": [1]}), iter((1, 2))
    assert once(frame, "sum", lambda: next(answers)) == 1
    assert once(frame, "sum", lambda: next(answers)) == 1
    assert once(pl.DataFrame({"a": [1]}), "sum", lambda: 7) == 7
    assert once(frame, "other", lambda: 8) == 8
    place = id(frame)
    assert place in seen._KNOWN
    del frame
    assert place not in seen._KNOWN


def test_what_was_seen_of_two_frames_is_of_these_two() -> None:
    from roadworthy.metrics.seen import once_with

    frame, answers = pl.DataFrame({"a": [1]}), iter(range(100))
    others = [pl.DataFrame({"b": [i]}) for i in range(3)]
    first = [once_with(frame, other, "pair", lambda: next(answers)) for other in others]
    again = [once_with(frame, other, "pair", lambda: next(answers)) for other in others]
    assert first == again == [0, 1, 2]
    for _ in range(20):  # a new frame may well lie where the last one was
        other = pl.DataFrame({"b": [0]})
        before = next(answers)
        assert once_with(frame, other, "pair", lambda: next(answers)) == before + 1
        del other
