"""One HTML page that holds everything: no network, no second file, a strict security policy."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.errors import RoadworthyError
from roadworthy.report.blocks import Block, Fold, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.names import clean_text, short_names
from roadworthy.report.origin import origin
from roadworthy.report.sections.base import SectionDefinition, in_order
from roadworthy.report.view import View

if TYPE_CHECKING:
    from jinja2 import Environment

    from roadworthy.run import Run

SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "report.js")


def write(view: View | Run, path: Path, *, images: int = 6) -> Path:
    """Write the report of a run, or of what ``view`` shows, as one HTML file and return its path.

    The file needs no other file and no network; scripts are pinned by hash in its content security
    policy. ``images`` is the number of pictures in each group of worst images. An existing report
    is replaced in one step. Raises RoadworthyError where ``path`` cannot be written.
    """
    return save(render(view, images=images), path)


def save(text: str, path: Path) -> Path:
    """Write a page, for one that is there in one step; RoadworthyError where that cannot be."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise RoadworthyError(
            f"cannot write the report to {path}: {error.strerror or error}; "
            f"name a file in a folder you may write to with -o FILE"
        ) from error
    return path


def render(view: View | Run, *, images: int = 6) -> str:
    """Return the report of a run, or of what ``view`` shows, as the text of one HTML page."""
    content = _content(Evidence(_seen(view), images))
    text: str = environment().get_template("report.html.j2").render(content)
    return text


def environment() -> Environment:
    """Return what writes the templates of pages: everything that goes into one is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("roadworthy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _seen(view: View | Run) -> View:
    from roadworthy.report.opened import Opened
    from roadworthy.run import Run

    return Opened(view) if isinstance(view, Run) else view


def _content(evidence: Evidence) -> dict[str, Any]:
    drawn, tables = list[Figure](), count()

    def numbered(blocks: Sequence[Block]) -> list[tuple[Any, Block]]:
        made: list[tuple[Any, Block]] = []
        for block in blocks:
            if isinstance(block, Figure):
                made.append((len(drawn), block))
                drawn.append(block)
            else:
                inner = numbered(block.blocks) if isinstance(block, Fold) else next(tables)
                made.append((inner, block))
        return made

    sections = [
        {"name": one.name, "title": one.title, "blocks": numbered(blocks)}
        for one, blocks in written(evidence)
    ]
    return {
        "title": _title(evidence),
        "sections": sections,
        "models": list(evidence.models.values()),
        "origin": lambda stresses: origin(evidence, stresses),
        "kind": lambda block: type(block).__name__,
        **_assets(drawn),
    }


def written(evidence: Evidence) -> Iterator[tuple[SectionDefinition, Sequence[Block]]]:
    """Yield the sections that have something to say, each with its blocks.

    One that fails says so in its place: a page with all others is worth more than none.
    """
    for definition in in_order():
        try:
            blocks = definition.function(evidence)
        except Exception as error:  # plug-ins' sections, and summaries that were damaged
            if os.environ.get("ROADWORTHY_DEBUG"):
                raise
            said = f"This section could not be written: {type(error).__name__}: {error}"
            blocks = [Text(clean_text(said), "warn")]
        if blocks:
            yield definition, blocks


def _title(evidence: Evidence) -> str:
    found = evidence.every
    models, data = ({getattr(cell, name) for cell in found} for name in ("model", "data"))
    if len(models) == 1:
        return f"{models.pop()} on {data.pop()}" if len(data) == 1 else models.pop()
    if not models:
        return f"Run {evidence.view.folder.name}"
    on = next(iter(data)) if len(data) == 1 else ""
    return f"{len(models)} models" + (f" on {short_names([on], 60)[on]}" if on else "")


def _assets(drawn: list[Figure]) -> dict[str, Any]:
    """Return styles, scripts and chart data as safe markup, and the policy that allows these."""
    from markupsafe import Markup

    folder = files("roadworthy.report") / "assets"
    names = SCRIPTS if drawn else SCRIPTS[-1:]
    scripts = [(folder / name).read_text(encoding="utf-8") for name in names]
    return {
        "style": Markup((folder / "report.css").read_text(encoding="utf-8")),
        "scripts": [Markup(script) for script in scripts],
        "figures": Markup(script_json([figure.spec for figure in drawn])),
        "policy": pinned(scripts),
    }


def pinned(scripts: Sequence[str]) -> str:
    """Return the policy of a page that runs ``scripts`` and nothing else, and loads nothing."""
    pins = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    # Vega writes style attributes, which only 'unsafe-inline' allows; styles load nothing here.
    return (
        f"default-src 'none'; script-src {pins}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def script_json(value: Any) -> str:
    """Return JSON that is safe inside a script element: ASCII without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
