from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import latex_tokens
import pytest
from export_fakes import DATA, MODEL, OTHER, row, summary
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.exporting.choice import Choice, chosen
from roadworthy.exporting.headline import headline, interval_of
from roadworthy.exporting.latex import escaped, latex, number
from roadworthy.exporting.markdown import code, grid, markdown
from roadworthy.report.blocks import Column, Entry, Group, Row, Table
from roadworthy.report.names import clean_text
from roadworthy.report.reading import Reading

HEADS = [
    "top-1 (%) ↑",
    "CE, mCE (%) ↓",
    "drop (points) ↓",
    "median L2 ↑",
    "median Linf ↑",
    "ECE (%) ↓",
]
NASTY = '[\\a{b}_%$#&^~<i>|"`--?` é]'


def paper(choice: Choice | None = None, *models: str) -> Table:
    given_ = summary(*models)
    return headline(chosen(given_, choice or Choice()), choice).table


def texts(table: Table) -> list[list[str]]:
    return [
        [f"{e.text} {e.small}".strip() for e in r.entries] for g in table.groups for r in g.rows
    ]


def test_heads_have_units_and_arrows_that_point_to_the_better() -> None:
    table = paper()
    assert [column.text for column in table.columns] == ["stress", *HEADS, "n"]
    assert [column.number for column in table.columns] == [False, *[True] * 7]


def test_every_cell_is_that_of_the_summary() -> None:
    found = texts(paper())
    assert found == [
        ["clean", "87.5 [73.9, 94.5]", "–", "–", "–", "–", "4.0 [1.0, 7.0]", "40"],
        [
            "fog(severity=[1, 2])",
            "61.2 [50.0, 72.0]",
            "–",
            "26.2 [15.0, 37.5]",
            "–",
            "–",
            "–",
            "40",
        ],
        ["fog(severity=1)", "72.5 [57.2, 83.9]", "–", "15.0 [5.0, 25.0]", "–", "–", "–", "40"],
        ["fog(severity=2)", "50.0 [35.2, 64.8]", "–", "-2.5 [-6.0, 1.0]", "–", "–", "–", "40"],
        [
            *("fmn(norm=L2, steps=20)", "0.0 [0.0, 8.0]", "–", "–"),
            *("0.00012 [3e-05, 0.0002]", "–", "–", "40"),
        ],
        ["cw(norm=Linf)", "–", "–", "–", "–", "> 0.310", "–", "40"],
        ["imagenet_c", "–", "76.7 [70.0, 80.0]", "–", "–", "–", "–", "40"],
    ]


@pytest.mark.parametrize(
    ("style", "numbers", "expected"),
    [
        ("brackets", (60.0, 50.0, 72.0), "[50.0, 72.0]"),
        ("plus-minus", (60.0, 50.0, 72.0), "+12.0/-10.0"),
        ("plus-minus", (60.0, 50.0, 70.02), "± 10.0"),
        ("plus-minus", (60.0, None, 70.0), ""),
        ("none", (60.0, 50.0, 70.0), ""),
    ],
)
def test_intervals_are_written_as_one_likes(
    style: Any, numbers: tuple[float, float | None, float], expected: str
) -> None:
    assert interval_of(Reading(*numbers), style) == expected


def test_models_and_data_that_vary_head_their_lines_and_others_are_in_the_title() -> None:
    one, both = paper(), paper(None, MODEL, OTHER)
    assert (one.title, [g.title for g in one.groups]) == ("demo/one on imagefolder:…/val_set", [""])
    assert [group.title for group in both.groups] == ["demo/one", "two (second_5%)"]
    assert both.title == "imagefolder:…/val_set"
    assert [len(group.rows) for group in both.groups] == [7, 7]


def test_notes_name_models_without_the_folders_of_their_files() -> None:
    notes = headline(summary(MODEL, OTHER)).notes
    assert notes[0] == "two (second_5%) is torch:…/nets.py:two(checkpoint=…/second_5%.pt)"
    assert any("odd_1" in note and "two (second_5%)" in note for note in notes)
    assert any("no <b>textures</b>" in note for note in notes)
    assert "/home/me" not in "".join(notes)


def test_a_choice_of_metrics_and_model() -> None:
    table = paper(Choice(model="two", metrics=("nll", "top1")), MODEL, OTHER)
    assert [c.text for c in table.columns] == ["stress", "NLL (nats) ↓", "top-1 (%) ↑", "n"]
    assert texts(table)[0] == ["clean", "0.432 [0.300, 0.500]", "87.5 [73.9, 94.5]", "40"]
    assert table.title == "two (second_5%) on imagefolder:…/val_set"
    given_ = summary(MODEL, OTHER)
    given_["unavailable"].append({"reason": "of no model in particular"})
    left = chosen(given_, Choice(model="one"))
    assert {one["model"] for one in left["rows"]} == {MODEL}
    assert left["run"]["warnings"] == []
    assert [one.get("model") for one in left["unavailable"]] == [MODEL, None]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(metrics=("topp1",)), "no metric is called 'topp1'; did you mean 'top1'"),
        (Choice(metrics=("robust_top1",)), "the run has no robust_top1"),
        (Choice(model="three"), "no model is called 'three'"),
    ],
)
def test_a_choice_of_what_there_is_not(choice: Choice, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        chosen(summary(MODEL, OTHER), choice)


def test_many_single_variants_stay_out_and_that_is_said() -> None:
    many = [
        row(f"s{i}(severity=[1])", v, "top1", 1.0) for i in range(30) for v in ("", "severity=1")
    ]
    found = headline({"rows": many})
    assert sum(len(group.rows) for group in found.table.groups) == 30
    assert found.notes[0].startswith("30 rows of single variants")


def test_markdown_of_a_small_table() -> None:
    columns = [Column("stress"), Column("top-1 (%) ↑", number=True)]
    lines = [
        Row([Entry("fog|`x`", code=True), Entry("61.2", "[50.0, 72.0]", number=True)]),
        Row([Entry("<b>", "made on a_b"), Entry("-1.0", number=True, strong=True)]),
        Row([Entry("a [link](x)"), Entry("n/a", span=1)]),
    ]
    table = Table(columns, [Group("re*s", lines)], "In 50 %.", "m_1")
    assert list(markdown(table)) == [
        "**m\\_1**",
        "",
        "| stress             |       top-1 (%) ↑ |",
        "| ------------------ | ----------------: |",
        "| *re\\*s*            |                   |",
        "| `` fog\\|`x` ``     | 61.2 [50.0, 72.0] |",
        "| \\<b\\> made on a\\_b |          **-1.0** |",
        "| a \\[link\\](x)      |               n/a |",
        "",
        "In 50 %.",
    ]


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1))
def test_code_in_markdown_is_closed_by_its_own_ticks(text: str) -> None:
    made = code(text).replace("\\|", "|")
    fence = re.match(r"`+", made)
    assert fence is not None
    inner = made[len(fence[0]) : -len(fence[0])]
    assert inner.strip() == text.strip()
    assert fence[0] not in re.findall(r"`+", inner)


def test_every_line_of_markdown_has_as_many_columns() -> None:
    span = Table([Column("a"), Column("b"), Column("c")], [Group("g", [Row([Entry("x", span=3)])])])
    for table in (paper(None, MODEL, OTHER), span):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in grid(table)}
        assert counts == {len(table.columns) + 1}


def test_latex_prints_the_same_cells() -> None:
    for table in (paper(), paper(None, MODEL, OTHER)):
        found = latex_tokens.read(latex(table, notes=["a % note", "b"]))
        heads, *body = found.tables[0]
        assert heads == [column.text for column in table.columns]
        titles = [[group.title] * len(heads) for group in table.groups if group.title]
        assert [line for line in body if line not in titles] == texts(table)
        assert [line for line in body if line in titles] == titles
        assert found.captions == [f"{table.title}. {table.caption}"]
        assert found.labels == ["tab:robustness"]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cf"])))
def test_escaped_text_prints_as_it_was(text: str) -> None:
    shown = re.sub(r"\s+", " ", clean_text(text)).replace("\N{REPLACEMENT CHARACTER}", "?")
    assert latex_tokens.printed(escaped(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["-2.5", "[-6.0, 1.0]", "> 0.310", "3e-05", "[1.5e-12, 2e+07]", "+5.7/-6.3", "± 6.0", "–"],
)
def test_numbers_print_as_they_were(text: str) -> None:
    made = number(text)
    assert latex_tokens.printed(made) == text
    assert "-" not in re.sub(r"\$[^$]*\$", "", made)  # a minus is no hyphen


@pytest.mark.parametrize(
    "source",
    ["a_b", "50%", "{", "}", "$x", "a & b", "\\unknown{}", "a--b", "\\textbf x", "#", "\\ldots b"],
)
def test_the_reader_of_latex_is_strict(source: str) -> None:
    with pytest.raises((latex_tokens.NotLatexError, KeyError)):
        latex_tokens.read(latex(paper()).replace("imagenet\\_c", source))


def test_the_reader_of_latex_counts_columns_and_sees_brackets() -> None:
    good = latex(paper())
    for wrong in ("& 40 & 40 \\\\", "\\\\"):
        with pytest.raises(latex_tokens.NotLatexError):
            latex_tokens.read(good.replace("& 40 \\\\", wrong, 1))
    table = Table([Column("a"), Column("b")], [Group("", [Row([Entry("[1] x"), Entry("1")])] * 2)])
    assert latex_tokens.read(latex(table)).tables[0][1:] == [["[1] x", "1"]] * 2
    with pytest.raises(latex_tokens.NotLatexError):
        latex_tokens.read(latex(table).replace("{}[1]", "[1]"))


def test_letters_beyond_latin_are_announced() -> None:
    table = Table([Column("a")], [Group("", [Row([Entry("猫")])])])
    assert "LuaLaTeX" in latex(table)
    assert "LuaLaTeX" not in latex(paper())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_a_real_tex_compiles_it(tmp_path: Path) -> None:
    nasty = [
        Row([Entry(NASTY, NASTY, code=c, strong=True), Entry("x", span=2)], nested=c)
        for c in (False, True)
    ]
    columns = [Column(NASTY), Column("b", number=True), Column("c", number=True)]
    table = replace(paper(None, MODEL, OTHER), title=NASTY)
    source = latex(Table(columns, [Group(NASTY, nasty)], NASTY), notes=[NASTY]) + latex(table)
    start = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "t.tex").write_text(f"{start}\n{source}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:].decode(errors="replace")
    assert (tmp_path / "t.pdf").stat().st_size > 10_000
    assert latex_tokens.read(source)
    assert DATA not in source
