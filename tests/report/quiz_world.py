"""A run of subsets whose classes have names in several scripts, and answers of people who know them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from engine_world import write_pictures
from transfer_world import tinted

import roadworthy as rw
from roadworthy.types import Classes

NAMES = ("金鱼 <img src=x onerror=alert(1)>", "قطة & صقر", "a “quoted” ' \" name")
SPEC = "sis(threshold=0.6, fractions=(0.1, 0.5), controls=(dilated), deletion=0)"


def quiz_run(folder: Path) -> rw.Run:
    """Return a run over 12 pictures of three classes, of most of which there are three subsets each."""
    data = write_pictures(folder / "pictures", each=4)
    for colour, name in zip(("red", "green", "blue"), NAMES, strict=True):
        (data / colour).rename(data / name)
    net = tinted(1)
    net.conv.weight.data *= 8
    model = rw.wrap(net, size=8, name="colours", classes=Classes(3, NAMES))
    return rw.evaluate(model, f"imagefolder:{data}", SPEC, out=folder / "out")


def content_of(page: Path) -> dict[str, Any]:
    """Return what a page asks."""
    block = re.findall(
        r'<script type="application/json" id="quiz">(.*?)</script>', page.read_text()
    )
    found: dict[str, Any] = json.loads(block[0])
    return found


def sheet(said: dict[str, int | None], *, who: str = "anna", **other: Any) -> dict[str, Any]:
    """Return a file of answers as a page saves it."""
    answers = [{"question": q, "label": label, "seconds": 1.5} for q, label in said.items()]
    head = {"roadworthy": "answers", "version": 1, "quiz": "0" * 16, "who": who}
    return {**head, "answers": answers, **other}


def write_sheet(path: Path, *given: Any, **named: Any) -> Path:
    """Write a file of answers."""
    path.write_text(json.dumps(sheet(*given, **named)))
    return path
