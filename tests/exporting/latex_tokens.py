r"""A strict reader of the little LaTeX that tables use: what it prints, or why TeX would not.

There is no TeX where these tests run, as a rule. This reads what is written token by token, knows each
command with its arguments, and refuses whatever it does not know: braces and environments that do
not match, a special letter by itself, a row with too many columns, a bracket behind ``\\``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PRINTED = {
    "textbackslash": "\\",
    "textasciicircum": "^",
    "textasciitilde": "~",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textendash": "–",
    "ldots": "…",
}
MATH = {
    "pm": "±",
    "cdot": "·",
    "times": "×",
    "leq": "≤",
    "geq": "≥",
    "uparrow": "↑",
    "downarrow": "↓",
    "varepsilon": "ε",
    "infty": "∞",
}
STYLES = ("texttt", "textit", "textbf")
SILENT = ("centering", "small", "scriptsize", "quad", "toprule", "midrule", "bottomrule")
_TOKEN = re.compile(r"%[^\n]*\n|\\\\|\\[a-zA-Z]+|\\.|[{}$&]|\s+|.", re.DOTALL)
_SPECIAL = set('#$%&_^~<>|"`')


class NotLatexError(Exception):
    """TeX would stop here, or print something else."""


@dataclass
class Reader:
    """Reads tokens one by one."""

    tokens: list[str]
    at: int = 0
    tables: list[list[list[str]]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)

    def take(self, wanted: str = "") -> str:
        if self.at >= len(self.tokens):
            raise NotLatexError(f"ends where {wanted or 'something'} should be")
        token = self.tokens[self.at]
        self.at += 1
        if wanted and token != wanted:
            raise NotLatexError(f"{token!r} where {wanted!r} should be")
        return token

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def group(self) -> str:
        """Return what the text in braces prints."""
        self.take("{")
        text = self.text(end="}")
        self.take("}")
        return text

    def plain(self) -> str:
        """Return the letters in braces, where no command may be."""
        self.take("{")
        letters = ""
        while self.peek() != "}":
            letters += self.take()
        self.take("}")
        if re.search(r"[\\{$&#%^~]", letters):
            raise NotLatexError(f"{letters!r} is no plain argument")
        return letters

    def text(self, *, end: str, row: bool = False) -> str:
        printed = ""
        while (token := self.peek()) and token != end and not (row and token in ("&", "\\\\")):
            self.take()
            if token == "{":
                printed += self.text(end="}")
                self.take("}")
            elif token == "$":
                printed += self.math()
            elif token.startswith("%"):
                continue
            elif token.startswith("\\"):
                printed += self.command(token[1:])
            elif token in _SPECIAL or token == "}":
                raise NotLatexError(f"{token!r} by itself")
            elif token.isspace():
                printed += " "
            else:
                if token == "-" and self.peek() == "-":
                    raise NotLatexError("two hyphens make a dash")
                printed += token
        if not self.peek():
            raise NotLatexError(f"ends before {end!r}")
        return printed

    def command(self, name: str) -> str:
        if name in ("{", "}", "$", "&", "#", "%", "_"):
            return name
        if name in STYLES:
            return self.group()
        if name in SILENT:
            if self.peek().isspace():
                self.take()
            return ""
        if name == "char":
            digits = ""
            while self.peek().isdigit():
                digits += self.take()
            self.empty()
            return chr(int(digits))
        if name in PRINTED:
            self.empty()
            return PRINTED[name]
        raise NotLatexError(f"\\{name} is not known")

    def empty(self) -> None:
        """Take the empty braces without which a command would swallow the blank behind it."""
        self.take("{")
        self.take("}")

    def math(self) -> str:
        printed = ""
        while (token := self.take("")) != "$":
            if token.startswith("\\") and token[1:] in MATH:
                printed += MATH[token[1:]]
            elif token == "^":
                raised = "".join(iter(self.take, "}")) if self.peek() == "{" else self.take()
                raised = raised.removeprefix("{")
                printed += "²" if raised == "2" and not printed else f"e{int(raised):+03d}"
            elif re.fullmatch(r"[-+<>.0-9]|\s+", token):
                printed += token.strip()
            else:
                raise NotLatexError(f"{token!r} in mathematics")
        return printed.replace("×10e", "e")

    def row(self, columns: int) -> list[str]:
        """Return the cells of a line, one with a span as many times as it is wide."""
        if self.peek() in ("[", "*"):
            raise NotLatexError(f"{self.peek()!r} would belong to the line before")
        cells: list[str] = []
        while True:
            while self.peek().isspace():
                self.take()
            if self.peek() == "\\multicolumn":
                self.take()
                span, side = int(self.plain()), self.plain()
                if side not in ("l", "r", "c"):
                    raise NotLatexError(f"no column is {side!r}")
                cells += [self.group()] * span
                if self.text(end="", row=True).strip():
                    raise NotLatexError("text behind a span")
            else:
                cells.append(self.text(end="", row=True))
            if self.take() == "\\\\":
                break
        if len(cells) != columns:
            raise NotLatexError(f"{len(cells)} cells in {columns} columns: {cells}")
        return [cell.strip() for cell in cells]

    def blanks(self) -> None:
        while self.peek().isspace() or self.peek().startswith("%"):
            self.take()


def read(source: str) -> Reader:
    """Return the tables of a text, each a list of rows of printed cells, with captions and labels."""
    reader = Reader(_TOKEN.findall(source))
    reader.blanks()
    while reader.peek():
        _float(reader)
        reader.blanks()
    return reader


def printed(source: str) -> str:
    """Return what a piece of text prints."""
    reader = Reader([*_TOKEN.findall(source), "\0"])
    return reader.text(end="\0")


def _float(reader: Reader) -> None:
    reader.take("\\begin")
    if reader.plain() != "table":
        raise NotLatexError("no table")
    for token in "[t]":
        reader.take(token)
    for name in ("centering", "caption", "label", "small"):
        reader.blanks()
        reader.take(f"\\{name}")
        if name == "caption":
            reader.captions.append(reader.group())
        if name == "label":
            reader.labels.append(reader.plain())
    reader.blanks()
    reader.take("\\begin")
    if reader.plain() != "tabular":
        raise NotLatexError("no tabular")
    columns = reader.plain()
    if not re.fullmatch("[lr]+", columns):
        raise NotLatexError(f"no columns are {columns!r}")
    rows, rules = [], []
    while True:
        reader.blanks()
        if reader.peek() == "\\end":
            break
        if reader.peek() in ("\\toprule", "\\midrule", "\\bottomrule"):
            rules.append(reader.take()[1:])
        else:
            rows.append(reader.row(len(columns)))
    if rules[:2] != ["toprule", "midrule"] or rules[-1] != "bottomrule" or "toprule" in rules[1:]:
        raise NotLatexError(f"rules {rules}")
    reader.tables.append(rows)
    for name in ("tabular", "table"):
        reader.blanks()
        reader.take("\\end")
        if reader.plain() != name:
            raise NotLatexError(f"{name} does not end")
