"""One HTML page that holds everything: no network, no second file, a strict security policy."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.errors import RoadworthyError
from roadworthy.report.cells import cells, entries, text_of
from roadworthy.report.charts import figures
from roadworthy.report.facts import facts
from roadworthy.report.figure import Figure
from roadworthy.report.flat import judged, of_themselves, whole
from roadworthy.report.gallery import gallery
from roadworthy.report.headline import headline
from roadworthy.report.matrix import matrices, own_cells
from roadworthy.report.names import AXES
from roadworthy.report.points import who_of
from roadworthy.report.robustness import cascades
from roadworthy.report.sections import failures, results, worst_classes
from roadworthy.report.studies import studies, study_figures
from roadworthy.report.table import suite_notes
from roadworthy.report.view import View
from roadworthy.report.warned import warnings

if TYPE_CHECKING:
    import polars as pl

SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "report.js")
INVOCATION = ("command", "started", "seconds", "versions", "hardware")


def write(view: View, path: Path, *, images: int = 6) -> Path:
    """Write the report of ``view`` as one HTML file and return its path.

    The file needs no other file and no network; scripts are pinned by hash in its content security
    policy. ``images`` is the number of pictures in each group of worst images. An existing report
    is replaced in one step. Raises RoadworthyError where ``path`` cannot be written.
    """
    text = render(view, images=images)
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


def render(view: View, *, images: int = 6) -> str:
    """Return the report of ``view`` as the text of one HTML page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("roadworthy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(_content(view, images))


def _content(view: View, images: int) -> dict[str, Any]:
    rows, problem = _records(view)
    alone = of_themselves(rows, cells(view.summary))
    flat = judged(alone)
    found = own_cells(cells(view.summary))
    drawn = [*figures(view.summary, flat, alone), *study_figures(view.summary)]
    run = view.summary.get("run")
    run = run if isinstance(run, dict) else {}
    return {
        "title": _title(view),
        "verdict": headline(found),
        "problem": problem,
        "warnings": warnings(view.summary),
        "table": results(found),
        "notes": suite_notes(view.summary),
        "calibration": results(found, about="calibration"),
        "changes": results(found, about="changes"),
        "queries": results(found, about="queries"),
        "cascades": cascades(alone, who_of(found)),
        "matrices": matrices(view.summary),
        **studies(view.summary),
        "sections": _by_section(drawn),
        "classes": worst_classes(view.summary),
        "groups": gallery(view, flat, images=images),
        "unavailable": entries(view.summary, "unavailable"),
        "failures": failures(rows),
        "run": facts(run, ("roadworthy", "seed", "precision", "stresses")),
        "models": [facts(entry) for entry in entries(run, "models")],
        "datasets": [facts(entry) for entry in entries(run, "data")],
        "invocations": [facts(entry, INVOCATION) for entry in view.runs],
        "axes": AXES,
        "text_of": text_of,
        **_assets(drawn),
    }


def _records(view: View) -> tuple[pl.DataFrame, str]:
    """Return the records, and what is wrong with them in words, empty where all is well."""
    try:
        rows = whole(view.rows())
    except RoadworthyError as error:
        from roadworthy.engine.records import SCHEMA

        return SCHEMA.to_frame(), f"The records cannot be read: {error}"
    if rows.is_empty():
        return rows, "There are no records: worst images and charts over images are left out."
    return rows, ""


def _title(view: View) -> str:
    found = cells(view.summary)
    models, data = ({getattr(cell, name) for cell in found} for name in ("model", "data"))
    if len(models) == 1:
        return f"{models.pop()} on {data.pop()}" if len(data) == 1 else models.pop()
    return f"{len(models)} models" if models else f"Run {view.folder.name}"


def _by_section(drawn: list[Figure]) -> dict[str, list[tuple[int, Figure]]]:
    sections: dict[str, list[tuple[int, Figure]]] = {}
    for i, figure in enumerate(drawn):
        sections.setdefault(figure.section, []).append((i, figure))
    return sections


def _assets(drawn: list[Figure]) -> dict[str, Any]:
    """Return styles, scripts and chart data as safe markup, and the policy that allows these."""
    from markupsafe import Markup

    folder = files("roadworthy.report") / "assets"
    scripts = [(folder / name).read_text(encoding="utf-8") for name in SCRIPTS] if drawn else []
    pins = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    return {
        "style": Markup((folder / "report.css").read_text(encoding="utf-8")),
        "scripts": [Markup(script) for script in scripts],
        "figures": Markup(script_json([figure.spec for figure in drawn])),
        # Vega writes style attributes, which only 'unsafe-inline' allows; styles load nothing here.
        "policy": f"default-src 'none'; script-src {pins}; style-src 'unsafe-inline'; "
        f"img-src data:; base-uri 'none'; form-action 'none'",
    }


def script_json(value: Any) -> str:
    """Return JSON that is safe inside a script element: ASCII without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
