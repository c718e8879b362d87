"""Published figures of models in lists, beside what was measured here; they are never a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from roadworthy import _yaml
from roadworthy.errors import UsageError
from roadworthy.models.lists import lists
from roadworthy.models.lists.base import Member
from roadworthy.spec import SpecError, parse
from roadworthy.stress.bound import stress

_CLEAN = "clean"


class _Set(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    images: int
    stresses: tuple[str, ...]
    metric: str
    figures: Mapping[str, tuple[float, ...]]


class _ReadOff(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    statistic: str
    stresses: tuple[str, ...]
    figures: Mapping[str, tuple[float, ...]]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    sets: tuple[_Set, ...] = ()
    read_offs: tuple[_ReadOff, ...] = ()


@dataclass(frozen=True)
class Published:
    """A figure in percent of a member of a list, on ``images`` images of ImageNet's validation set.

    ``low`` and ``high`` are the 95 % band that this many images leave.
    """

    member: str
    stress: str
    metric: str
    value: float
    low: float
    high: float
    images: int
    source: str


@cache
def published() -> tuple[Published, ...]:
    """Return every published figure: accuracies of the lists, and robust ones of their own files."""
    found = []
    for name, one in lists().items():
        found += [_accuracy(f"{name}/{m.key}", m) for m in one.members if m.top1 is not None]
    for name, read in _files():
        found += [figure for one in read.sets for figure in _figures(name, one)]
    return tuple(found)


@cache
def read_offs() -> Mapping[tuple[str, str, str], tuple[float, str]]:
    """Return changes read off figures, with their source, by member, stress and statistic."""
    return {
        (f"{name}/{key}", stress(text).spec, one.statistic): (value, one.source)
        for name, read in _files()
        for one in read.read_offs
        for key, values in one.figures.items()
        for text, value in zip(one.stresses, values, strict=True)
    }


def beside_survey(studies: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an entry for each model in the entries of the survey whose change was published.

    It is in the unit of the survey. A figure that was read off has no band.
    """
    from roadworthy.report.cells import label_of

    entries = []
    for study in studies:
        for point in study["points"]:
            member = _member(point["model"])
            if member is None or point["y"] is None:
                continue
            attack = label_of(study["stress"], study["variant"])
            known = read_offs().get((member, attack, study["statistic"]))
            if known is not None:
                entries.append(_survey_entry(study, point, *known))
    return entries


def _survey_entry(
    study: Mapping[str, Any], point: Mapping[str, Any], value: float, source: str
) -> dict[str, Any]:
    no_band = {"low": None, "high": None}
    return {
        **{name: study[name] for name in ("data", "stress", "variant")},
        "model": point["model"],
        "metric": f"{study['statistic']} change, {study['unit']}",
        "unit": "none",
        "measured": {"value": point["y"], **no_band, "n": point["n"]},
        "published": {"value": value, **no_band, "images": None, "source": source},
    }


def _files() -> Iterator[tuple[str, _File]]:
    for path in sorted((Path(__file__).parent / "references").glob("*.yaml")):
        yield path.stem, _File(**_yaml.load(path.read_text(encoding="utf-8")))


def beside(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an entry for each row of a summary whose model, stress and metric were published."""
    rows = list(rows)
    members = {model: _member(model) for model in dict.fromkeys(row["model"] for row in rows)}
    if not any(members.values()):
        return []  # the figures need every attack that they are of
    known: dict[tuple[str, str, str], list[Published]] = {}
    for one in published():
        known.setdefault((one.member, one.stress, one.metric), []).append(one)
    entries = []
    for row in rows:
        member = members[row["model"]]
        if member is None or row.get("source") not in (None, "", row["model"]):
            continue
        for one in known.get((member, row["stress"], row["metric"]), ()):
            if row["value"] is not None:
                entries.append(_entry(row, one))
    return entries


def _entry(row: Mapping[str, Any], one: Published) -> dict[str, Any]:
    names = ("model", "data", "stress", "variant", "metric", "unit")
    measured = {name: row[name] for name in ("value", "low", "high", "n")}
    told = {name: getattr(one, name) for name in ("value", "low", "high", "images", "source")}
    return {**{name: row[name] for name in names}, "measured": measured, "published": told}


def _figures(owner: str, one: _Set) -> Iterator[Published]:
    texts = [stress(text).spec for text in one.stresses]
    for key, values in one.figures.items():
        for text, value in zip(texts, values, strict=True):
            member = f"{owner}/{key}"
            yield _figure(member, text, one.metric, value, one.images, one.source)


def _accuracy(member: str, known: Member) -> Published:
    assert known.top1 is not None
    return _figure(member, _CLEAN, "top1", known.top1, known.top1_images, known.top1_of)


def _figure(
    member: str, text: str, metric: str, value: float, images: int, source: str
) -> Published:
    from roadworthy.metrics.interval import wilson

    low, high = wilson(value / 100 * images, images)
    band = (100 * float(low), 100 * float(high))
    return Published(member, text, metric, value, *band, images, source)


def _member(model: str) -> str | None:
    """Return list and key of a member from its spec; None for any other model."""
    try:
        name = parse(model).name
    except (SpecError, UsageError):
        return None
    head, _, key = name.partition("/")
    return name if head in lists() and lists()[head].get(key) else None
