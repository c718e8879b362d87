"""A table as LaTeX, with the rules of booktabs and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from roadworthy.report.blocks import Entry, Row, Table
from roadworthy.report.names import clean_text

_TEXT = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",  # a shorthand of babel in some languages
    "`": r"\char96{}",  # a ligature with ? and !
    "–": r"\textendash{}",
    "…": r"\ldots{}",
    "\N{REPLACEMENT CHARACTER}": "?",
    "²": "$^2$",
    "±": r"$\pm$",
    "−": "$-$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "ε": r"$\varepsilon$",
    "∞": r"$\infty$",
}
_NUMBERS = {**_TEXT, "-": "$-$", "+": "$+$", "<": "$<$", ">": "$>$"}
_POWER = re.compile(r"(\d(?:\.\d+)?)e([+-]\d+)")
_HYPHENS = re.compile(r"-(?=-)")
_BLANK = re.compile(r"\s")
_KNOWN = "\u017f"
"""The last letter of those that pdfLaTeX knows by itself."""


def latex(table: Table, *, label: str = "tab:robustness", notes: Sequence[str] = ()) -> str:
    r"""Return a table as a LaTeX float that needs ``\usepackage{booktabs}``, ending in a newline.

    ``notes`` stand in front as comments. Letters beyond Latin stay as they are, for XeLaTeX and
    LuaLaTeX.
    """
    columns = table.columns
    heads = [
        _styled(escaped(column.text), code=column.code and column.text != "") for column in columns
    ]
    body = list(_body(table))
    said = ". ".join(text.removesuffix(".") for text in (table.title, table.caption) if text)
    caption = escaped(f"{said}." if said else "")
    lines = [
        r"% \usepackage{booktabs}",
        *(f"% {clean_text(note)}" for note in notes),
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        r"\small",
        rf"\begin{{tabular}}{{{''.join('r' if column.number else 'l' for column in columns)}}}",
        r"\toprule",
        _line(heads),
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    if any(character > _KNOWN for line in (*heads, *body, caption) for character in line):
        lines.insert(1, "% holds letters beyond Latin: compile it with LuaLaTeX or XeLaTeX")
    return "\n".join(lines) + "\n"


def _body(table: Table) -> Iterator[str]:
    for group in table.groups:
        yield r"\midrule"
        if group.title:
            yield rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\textit{{{escaped(group.title)}}}}} \\"
        yield from (_line(list(_cells(row))) for row in group.rows)


def _line(cells: Sequence[str]) -> str:
    # a bracket or an asterisk at the beginning would belong to the \\ of the line before
    start = "{}" if cells and cells[0].startswith(("[", "*")) else ""
    return f"{start}{' & '.join(cells)} \\\\"


def _cells(row: Row) -> Iterator[str]:
    for place, entry in enumerate(row.entries):
        text = _entry(entry)
        if place == 0 and row.nested:
            text = rf"\quad {text}"
        side = "r" if entry.number else "l"
        yield rf"\multicolumn{{{entry.span}}}{{{side}}}{{{text}}}" if entry.span > 1 else text


def _entry(entry: Entry) -> str:
    plain = number if entry.number else escaped
    text = _styled(plain(entry.text), code=entry.code and entry.text != "", strong=entry.strong)
    return f"{text} {{\\scriptsize {plain(entry.small)}}}" if entry.small else text


def _styled(text: str, *, code: bool = False, strong: bool = False) -> str:
    text = rf"\texttt{{{text}}}" if code else text
    return rf"\textbf{{{text}}}" if strong else text


def escaped(text: str) -> str:
    """Return ``text`` as LaTeX that prints it."""
    return _HYPHENS.sub("-{}", _replaced(_BLANK.sub(" ", clean_text(text)), _TEXT))


def number(text: str) -> str:
    """Return a number or an interval as LaTeX: with minus signs, powers of ten written out."""
    parts = _POWER.split(clean_text(text))
    made = [_replaced(parts[0], _NUMBERS)]
    for at in range(1, len(parts), 3):
        power = rf"${parts[at]} \times 10^{{{int(parts[at + 1])}}}$"
        made += [power, _replaced(parts[at + 2], _NUMBERS)]
    return "".join(made)


def _replaced(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character, character) for character in text)
