"""What `docs/` says of exports and of Python: the notebook is executed, and all of it still runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

import roadworthy as rw
from roadworthy.exporting.formats import FORMATS, SUFFIXES, Intervals
from roadworthy.exporting.rows import SCHEMA

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "example.ipynb"


def notebook(path: Path = NOTEBOOK) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="needs the extra notebook")
    read = nbformat.read(path, as_version=4)
    nbformat.validate(read)
    return read


def code(read: Any) -> list[Any]:
    return [cell for cell in read.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> list[list[str]]:
    """Return what each output of a cell is: the name of a stream, or its forms."""
    return [[one["name"]] if "name" in one else sorted(one["data"]) for one in cell.outputs]


def test_the_notebook_was_executed_from_top_to_bottom_without_complaints() -> None:
    cells = code(notebook())
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    found = [kind for cell in cells for kind in kinds(cell)]
    assert found.count(["image/png", "text/plain"]) == 2  # charts that show without scripts
    assert ["text/html", "text/plain"] in found  # a run, a frame, a comparison
    assert ["stderr"] not in found
    assert not any(one.output_type == "error" for cell in cells for one in cell.outputs)
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 400_000
    assert not re.search(r'["\s(](/tmp|/home|/root|/Users|C:)', text)


def test_the_notebook_uses_what_there_is() -> None:
    source = "\n".join(cell.source for cell in code(notebook()))
    used = set(re.findall(r"\brw\.(\w+)", source))
    assert used >= {"evaluate", "compare", "gate", "export", "UsageError"}
    assert used <= set(rw.__all__)
    methods = set(re.findall(r"\brun\.(\w+)", source))
    assert methods >= {"table", "metric", "plot", "plots", "rows"}
    assert all(hasattr(rw.Run, name) for name in methods)
    assert "../shared" not in source


@pytest.mark.slow
@pytest.mark.demo
def test_the_notebook_runs_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipykernel", reason="needs the extra notebook")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra notebook")
    monkeypatch.setenv("PYTHONPATH", str(Path(rw.__file__).parents[1]))
    stored, fresh = notebook(), notebook()
    for cell in code(fresh):
        cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        fresh, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    for one, other in zip(code(stored), code(fresh), strict=True):
        assert kinds(one) == kinds(other), one.source
    value = re.compile(r"Estimate\(value=([\d.]+)")
    texts = [
        [out["data"]["text/plain"] for cell in code(read) for out in cell.outputs if "data" in out]
        for read in (stored, fresh)
    ]
    first, second = (
        [float(found[1]) for text in own if (found := value.match(text))] for own in texts
    )
    assert first == pytest.approx(second, abs=10)  # two of twenty images, on another machine


@pytest.mark.slow
@pytest.mark.demo
def test_the_page_on_python_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 6
    known: dict[str, Any] = {}
    for place, block in enumerate(blocks):
        exec(compile(block, f"python.md, block {place}", "exec"), known)
        if place == 0:
            for name in ("r20", "r44", "second"):
                shutil.copytree("results/first", f"results/{name}")
    assert known["decided"].status == "undecided"  # fog was not run
    assert isinstance(known["run"].image("demo/photos", known["wrong"]["sample"][0]), bytes)
    for path in ("curve.html", "rows.csv", "differences.parquet"):
        assert (tmp_path / path).stat().st_size > 1000
    assert list((tmp_path / "figures").glob("*.pdf"))


def test_the_page_on_exports_names_every_format_flag_and_column() -> None:
    text = (DOCS / "exports.md").read_text()
    table = re.findall(r"^\| `(.*?)` \|", text, re.MULTILINE)
    named = [name for line in table[1:] for name in line.split("`, `")]
    assert sorted(named) == sorted(FORMATS)
    assert all(f"`{suffix}`" in text for suffix in SUFFIXES if suffix not in (".html", ".htm"))
    columns = text.partition("**Rows** have the columns")[2].partition(", every")[0]
    assert re.findall(r"`(\w+)`", columns) == list(SCHEMA)
    assert all(f"--intervals {one}" in text for one in get_args(Intervals) if one != "brackets")
