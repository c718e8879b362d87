"""What is known of unlabelled images as lines for people, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.models.check.report import wrapped
from roadworthy.preflight.printed import closed
from roadworthy.preflight.production.drift import Drift
from roadworthy.preflight.production.flips import Flips, Share
from roadworthy.preflight.production.looks import Files, Looks
from roadworthy.preflight.production.report import Production


def printed(found: Production) -> str:
    """Return the report as lines."""
    parts = [list(_head(found)), list(_looks(found.looks))]
    if found.drift is not None:
        parts.append(list(_drift(found.drift)))
    if found.flips is not None:
        parts.append(list(_flips(found.flips)))
    return closed(parts, found.manifest)


def _head(found: Production) -> Iterator[str]:
    beside = "" if found.reference is None else f", beside {found.reference}"
    yield from wrapped("", f"{found.model} on {found.data}, without labels{beside}")
    read = found.asked - len(found.failures)
    yield f"{read} of {found.asked} images read"
    for who, failures in (("", found.failures), ("of the reference, ", found.reference_failures)):
        if failures:
            more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
            yield from wrapped("note: ", f"{who}cannot be read: {'; '.join(failures[:3])}{more}")
    if found.shared:
        files = "1 file is" if found.shared == 1 else f"{found.shared} files are"
        yield from wrapped("note: ", f"{files} in the reference as well")
    for note in found.notes:
        yield from wrapped("note: ", note)


def _looks(found: Looks) -> Iterator[str]:
    yield "what the files are like:"
    rows = [("", "production", "" if found.reference is None else "reference")]
    for name, of in _COLUMNS:
        rows.append((name, of(found.production), of(found.reference) if found.reference else ""))
    wide = [max(len(row[i]) for row in rows) for i in range(2)]
    for first, here, there in rows:
        yield f"{first:<{wide[0]}}  {here:<{wide[1]}}  {there}".rstrip()
    for sentence in found.sentences:
        yield from wrapped("", sentence)


def _size(files: Files) -> str:
    return f"{files.width:.0f}x{files.height:.0f}"


def _quality(files: Files) -> str:
    if files.quality is None or files.quality_range is None:
        return "none"
    low, high = files.quality_range
    return f"{files.quality:.0f} ({low:.0f} to {high:.0f})"


def _listed(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f} %" for name, value in list(shares.items())[:3]) or "none"


_COLUMNS = (
    ("median size", _size),
    ("formats", lambda f: _listed(f.formats)),
    ("JPEG quality", _quality),
    ("chroma", lambda f: _listed(f.chroma)),
    ("noise, levels", lambda f: f"{f.noise:.2f}"),
    ("sharpness", lambda f: f"{f.sharpness:.1f}"),
)


def _drift(found: Drift) -> Iterator[str]:
    between = "" if found.low is None else f", 95 % [{found.low:.1f}, {found.high:.1f}]"
    yield "confidence of the model:"
    yield (
        f"mean {found.mean:.1f} % against {found.reference_mean:.1f} %: difference "
        f"{found.difference:+.1f} points{between}"
    )
    yield (
        f"distance of the distributions {found.distance:.3f} (Kolmogorov-Smirnov), 95 % "
        f"[{found.distance_low:.3f}, {found.distance_high:.3f}], p = {found.p:.2g}"
    )
    yield "it has drifted" if found.drifted else "no drift beyond chance"


def _flips(found: Flips) -> Iterator[str]:
    yield "predictions that change when only one thing is done otherwise:"
    rows = [("", "flips", "95 %", "KL")]
    rows += [
        (
            row.spec,
            f"{row.flips.rate:.1f} %",
            _between(row.flips),
            "" if row.kl is None else f"{row.kl:.3f}",
        )
        for row in found.options
        if not row.untouched
    ]
    wide = [max(len(row[i]) for row in rows) for i in range(4)]
    for first, *others in rows:
        numbers = "  ".join(f"{cell:>{w}}" for cell, w in zip(others, wide[1:], strict=True))
        yield f"{first:<{wide[0]}}  {numbers}".rstrip()
    same = [row.spec for row in found.options if row.untouched]
    if same:
        yield "these change nothing of any image:"
        yield from wrapped("  ", ", ".join(same))
    for suite in found.suites:
        yield from wrapped(
            f"{suite.name}: ",
            f"all {suite.options} ways agree with the model on {suite.agreement.rate:.1f} % of images, "
            f"95 % {_between(suite.agreement)}; {suite.flips:.2f} % of predictions change on average"
            + (f", most by {suite.worst}" if suite.flips else ""),
        )
    for reason in found.skipped:
        yield from wrapped("note: ", f"left out: {reason}")


def _between(found: Share) -> str:
    return f"[{found.low:.1f}, {found.high:.1f}]"
