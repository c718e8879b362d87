"""What sections of the page are made of; one template writes each kind, so authors write no HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from roadworthy.report.figure import Figure
from roadworthy.report.reading import Reading
from roadworthy.report.sentence import Sentence


@dataclass(frozen=True)
class Text:
    """A paragraph: plain, ``soft`` (an explanation), or ``warn`` (what must not be overlooked)."""

    text: str
    kind: Literal["plain", "soft", "warn"] = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading inside the section; ``code`` is a spec in front of the words."""

    text: str = ""
    code: str = ""


@dataclass(frozen=True)
class Entry:
    """One cell of a table.

    ``small`` stands under the text, as intervals do; ``title`` shows when pointed at; ``heat``, 0 to
    1, colours the cell from good to bad.
    """

    text: str
    small: str = ""
    title: str = ""
    number: bool = False
    code: bool = False
    strong: bool = False
    bad: bool = False
    span: int = 1
    heat: float | None = None


@dataclass(frozen=True)
class Column:
    """The head of a column."""

    text: str = ""
    number: bool = False
    code: bool = False


@dataclass(frozen=True)
class Row:
    """A line of a table, whose first entry names it; ``nested`` under the line before.

    ``about`` is the name of its model, where the page has several.
    """

    entries: Sequence[Entry]
    nested: bool = False
    about: str = ""


@dataclass(frozen=True)
class Group:
    """Lines under one title, which may be empty."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """A table with what it shows in words, ``caption``.

    One with ``stresses`` says how it was made, as charts do; an empty list stands for all of them.
    ``hint`` is what holds on the page alone, of colours and clicks.
    """

    columns: Sequence[Column]
    groups: Sequence[Group]
    caption: str = ""
    title: str = ""
    stresses: Sequence[str] | None = None
    hint: str = ""

    @property
    def height(self) -> int:
        """Number of lines."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True)
class Facts:
    """Names with their texts, such as versions."""

    title: str
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    """One image as data URI, what stands under it, and what it shows for those who do not see it."""

    uri: str
    label: str
    alt: str


@dataclass(frozen=True)
class Picture:
    """Images of one sample side by side, with lines of text; ``why`` some of them are missing.

    ``about`` is the name of its model, where the page has several. What stands in ``strong`` is an
    error unless it is ``right``.
    """

    panels: Sequence[Panel]
    strong: str
    beside: str
    lines: Sequence[str]
    soft: Sequence[str]
    why: str = ""
    about: str = ""
    right: bool = False


@dataclass(frozen=True)
class Pictures:
    """Images side by side."""

    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Sentences:
    """What the rules of the verdict say of one model, the worst first."""

    sentences: Sequence[Sentence]


@dataclass(frozen=True)
class Fold:
    """Blocks behind a title that opens them."""

    title: str
    blocks: Sequence[Block]


Block = Text | Heading | Figure | Table | Facts | Pictures | Sentences | Fold


def shown(reading: Reading | None, *, strong: bool = False, title: str = "") -> Entry:
    """Return a number with its interval as a cell of a table; a dash for None."""
    if reading is None:
        return Entry("–", number=True)
    return Entry(reading.text, reading.interval, title, number=True, strong=strong)


def plain_table(
    columns: Sequence[Column], rows: Sequence[Row], *, caption: str = ""
) -> list[Table]:
    """Return a table without groups as the one block of a list; nothing where it has no rows."""
    return [Table(columns, [Group("", rows)], caption)] if rows else []
