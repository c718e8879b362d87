"""Cards of the worst images: clean, stressed and what changed, with what the model said of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.blocks import Panel, Picture
from roadworthy.report.cells import entries, key_of, label_of, text_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import AXES, clean_text, spec_and_precision
from roadworthy.report.reading import real
from roadworthy.report.rebuild import Rebuilt, rebuild
from roadworthy.report.thumbnail import difference, drawn, thumbnail
from roadworthy.report.worst import CONFIDENT, FLIPPED

MOST_BYTES = 2_500_000
"""So much of the page may be pictures."""
TITLES = {
    CONFIDENT: "most confidently wrong",
    FLIPPED: "right when clean, wrong under the stress",
}


@dataclass(frozen=True)
class Shown:
    """Cards of one axis and kind under one title; ``more`` had no room on the page."""

    title: str
    pictures: Sequence[Picture]
    more: int = 0


def worst_images(evidence: Evidence) -> Iterator[Shown]:
    """Yield the groups of images in the summary, ``evidence.images`` in each at most.

    An image appears once for each axis.
    """
    left = MOST_BYTES
    several = len(evidence.models) > 1
    listed = entries(evidence.summary, "images")
    for axis, name in AXES.items():
        seen: set[tuple[str, str]] = set()
        for kind, title in TITLES.items():
            own = [e for e in listed if (text_of(e, "axis"), text_of(e, "kind")) == (axis, kind)]
            own = [e for e in own if _place(e) not in seen][: evidence.images]
            seen |= set(map(_place, own))
            cards: list[Picture] = []
            for entry in own:
                if left > 0:
                    cards.append(_card(evidence, entry, several))
                    left -= sum(len(panel.uri) for panel in cards[-1].panels)
            if own:
                yield Shown(f"{name}: {title}", cards, len(own) - len(cards))


def _place(entry: Mapping[str, Any]) -> tuple[str, str]:
    return key_of(entry, "data"), key_of(entry, "sample")


def _card(evidence: Evidence, entry: Mapping[str, Any], several: bool) -> Picture:
    view, model = evidence.view, text_of(entry, "model")
    made = rebuild(view, entry)
    name = evidence.models.get(model, model)
    frame = entry.get("frame")
    where = label_of(text_of(entry, "stress"), text_of(entry, "variant"))
    truth = _named(evidence, model, entry.get("label"))
    lines = [f"truth: {truth}"]
    if entry.get("clean_pred") is not None:
        before = _named(evidence, model, entry.get("clean_pred"))
        lines.append(f"clean: {before} {_share(entry.get('clean_conf'))}")
    return Picture(
        panels=list(_panels(view, entry, made, truth)),
        strong=_named(evidence, model, entry.get("pred")),
        beside=_share(entry.get("conf")),
        lines=lines,
        soft=[
            " · ".join(filter(None, (where, f"frame {frame}" if frame else "", name * several))),
            text_of(entry, "sample"),
        ],
        why=clean_text(made.why, limit=200),
        about=name if several else "",
    )


def _panels(view: Any, entry: Mapping[str, Any], made: Rebuilt, truth: str) -> Iterator[Panel]:
    if made.clean is None:
        small = thumbnail(view.image(key_of(entry, "data"), key_of(entry, "sample")))
        if small is not None:
            yield Panel(small, "as stored", truth)
        return
    yield Panel(drawn(made.clean), "clean", f"{truth}, as it is")
    if made.stressed is None:
        return
    yield Panel(drawn(made.stressed), "stressed", f"{truth}, under the stress")
    if made.stressed.shape == made.clean.shape:
        change, factor = difference(made.clean, made.stressed)
        times = f"difference × {factor:.3g}" if factor >= 1.05 else "difference"
        yield Panel(drawn(change), times, "what the stress changed, around grey")


def _named(evidence: Evidence, model: str, label: Any) -> str:
    if not isinstance(label, int) or isinstance(label, bool):
        return "–"
    return clean_text(evidence.view.class_name(spec_and_precision(model)[0], label), limit=120)


def _share(conf: Any) -> str:
    known = real(conf)
    return "–" if known is None else f"{100 * known:.0f} %"
