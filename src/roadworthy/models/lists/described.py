"""A list of models in words, for ``show``."""

from __future__ import annotations

from typing import Any

from roadworthy.models.lists.base import Member, lists


def about_list(name: str) -> dict[str, Any]:
    """Return everything about a list of models, with a line on each member."""
    chosen = lists()[name]
    rows = [_row(chosen.name, member) for member in chosen.members]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ready = sum(member.pretrained for member in chosen.members)
    return {
        "kind": "models",
        "name": f"@{name}",
        "version": chosen.version,
        "doc": (
            f"{chosen.summary}. For {ready} of the {len(chosen.members)} there are published weights, "
            f"of the network itself or of the nearest one; the others are skipped unless "
            f"@{name}(weights=DIR) finds theirs, in files called as the member is (.pth, "
            f".safetensors …). only=(a, b) takes some. Top-1 is as published."
        ),
        "paper": chosen.paper,
        "pipeline": dict(chosen.pipeline),
        "members": [member.model_dump() for member in chosen.members],
        "lines": [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ],
    }


def _row(owner: str, member: Member) -> tuple[str, ...]:
    top1 = "–" if member.top1 is None else f"{member.top1:g}"
    stands = member.network if member.network and member.pretrained else "skipped"
    key = f"{owner}/{member.key}"
    return key, member.name, member.family, member.group, top1, str(stands), member.why
