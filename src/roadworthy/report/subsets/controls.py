"""Controls of subsets in words: what each shows, what it would mean, and what it says here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from roadworthy.report.blocks import Block, Column, Entry, Group, Row, Table, Text, shown
from roadworthy.report.cells import Cell
from roadworthy.report.reading import Reading
from roadworthy.report.subsets.audits import Audit, stresses_of

Against = Literal["sure", "unsure", "nothing"]
"""Whether a control speaks against the reading where the model stays sure, or where it does not."""

CAPTION = (
    "The reading would be: these pixels alone are what the model goes by. Every control could speak "
    "against that. Confidence is that in the class that the subset is for; sure are the images of which "
    "it reaches the threshold. A verdict of for or against takes a 95 % interval wholly on one side of "
    "half of the images; else it is open."
)


@dataclass(frozen=True)
class Control:
    """What a control shows, in words, and what it would mean."""

    name: str
    shows: str
    means: str
    against: Against


CONTROLS = {
    "random_subset": Control(
        "random pixels",
        "As many pixels of the image as the subset has, drawn at random.",
        "If the model is as sure, it does not matter which pixels are kept.",
        "sure",
    ),
    "mask_only": Control(
        "mask alone",
        "No pixel of the image, only where they were: white on black.",
        "If the model is still sure, the outline of what was cut away tells it the class.",
        "sure",
    ),
    "dilated": Control(
        "dilated subset",
        "The subset and all pixels of the image beside one of it.",
        "This is more of the image. If the model is less sure, what it went by was the seam between "
        "pixels and cover, not what is in the image.",
        "unsure",
    ),
    "baseline": Control(
        "another cover",
        "The same pixels; what is gone looks another way.",
        "If the model is less sure, it is the pixels together with their cover that it goes by.",
        "unsure",
    ),
    "random_class": Control(
        "a random class",
        "A subset for a class drawn at random, found the same way.",
        "If there is one, subsets can be found for any class, and say little of why it is this one.",
        "sure",
    ),
    "minimal": Control(
        "after a deletion pass",
        "The subset without the pixels that can be spared when each is tried once more.",
        "Speaks neither way: it says how far the order of the pixels is from the smallest subset.",
        "nothing",
    ),
    "subset": Control(
        "a further subset",
        "A subset of the pixels that earlier ones left.",
        "Speaks neither way: several subsets say that the class is written in the image more than once.",
        "nothing",
    ),
}
"""By the name of the control, without what tells several of one apart."""

HALF = 50.0


def controls(found: Sequence[Audit]) -> Iterator[Block]:
    """List the controls of every audit, and say of each audit what they come to."""
    groups, said = [], []
    for one in found:
        rows = list(_rows(one))
        if rows:
            groups.append(Group(one.title if len(found) > 1 else "", rows))
            said.append(_sum(one))
    if not groups:
        return
    columns = [Column("control"), Column("what it shows, and what it would mean")]
    columns += [Column(text, number=True) for text in ("images", "confidence, %", "sure, %")]
    columns += [Column("verdict")]
    for text, kind in said:
        yield Text(text, kind)
    yield Table(columns, groups, CAPTION, "Controls", stresses_of(found))


def _rows(one: Audit) -> Iterator[Row]:
    if one.cell is None:
        return
    yield _row(one, "the subset itself", one.cell, "What the model says of it when asked afresh.")
    for text, cell in one.controls():
        name, _, which = text.partition("=")
        known = CONTROLS.get(name)
        if known is not None:
            label = f"{known.name}: {which}" if which else known.name
            against = share_against(known, cell)
            yield _row(one, label, cell, known.shows, known.means, against)


def _row(
    one: Audit, label: str, cell: Cell, shows: str, means: str = "", against: Reading | None = None
) -> Row:
    word = "" if against is None else verdict(against)
    text = {"against": "speaks against it", "for": "speaks for it", "open": "open"}.get(word, "")
    small = f"against on {against.full} % of the images" if against is not None else ""
    return Row(
        [
            Entry(label),
            Entry(shows, means),
            Entry(str(cell.n), number=True),
            shown(cell.readings.get("subset_confidence")),
            shown(cell.readings.get("sufficient_rate")),
            Entry(text, small, bad=word == "against"),
        ],
        about=one.about,
    )


def share_against(control: Control, cell: Cell) -> Reading | None:
    """Return on how many of the images, in percent, a control speaks against the reading.

    None for one that speaks neither way, and where it was not measured.
    """
    sure = cell.readings.get("sufficient_rate")
    if sure is None or sure.value is None or control.against == "nothing":
        return None
    if control.against == "sure":
        return sure
    low, high = (None if end is None else 100 - end for end in (sure.high, sure.low))
    return replace(sure, value=100 - sure.value, low=low, high=high)


def verdict(against: Reading) -> Literal["against", "for", "open"]:
    """Say which way a control speaks: by its interval, on which side of half of the images it lies."""
    if against.low is not None and against.low > HALF:
        return "against"
    if against.high is not None and against.high < HALF:
        return "for"
    return "open"


def _sum(one: Audit) -> tuple[str, Literal["plain", "warn"]]:
    words: dict[str, list[str]] = {"against": [], "for": [], "open": []}
    for text, cell in one.controls():
        known = CONTROLS.get(text.partition("=")[0])
        against = None if known is None else share_against(known, cell)
        if known is not None and against is not None:
            _, _, which = text.partition("=")
            words[verdict(against)].append(f"{known.name} ({which})" if which else known.name)
    total = sum(map(len, words.values()))
    title = f"{one.title}: " if one.title else ""
    if not total:
        return f"{title}No controls were run, so that nothing has tested this reading.", "plain"
    if words["against"]:
        count = len(words["against"])
        verb = "speaks" if count == 1 else "speak"
        return (
            f"{title}{count} of {total} controls {verb} against reading the subsets as what the model "
            f"goes by: {', '.join(words['against'])}.",
            "warn",
        )
    if words["open"]:
        return (
            f"{title}No control surely speaks against the reading; open with so many images: "
            f"{', '.join(words['open'])}.",
            "plain",
        )
    return f"{title}None of {total} controls speaks against the reading.", "plain"
