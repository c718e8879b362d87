"""What the verbs do, for the command line: resolve flags and run file, run, and say how it went."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.config import RunFile, read
from roadworthy.errors import UsageError
from roadworthy.run import Run
from roadworthy.spec import Spec

if TYPE_CHECKING:
    from roadworthy.engine.verify import Findings


def resolve(flags: Mapping[str, Any], config: Path | None) -> RunFile:
    """Return the job: the run file, where there is one, with the given flags over it."""
    base = read(config).model_dump(by_alias=True) if config is not None else {}
    chosen = {**base, **{key: value for key, value in flags.items() if value is not None}}
    job = RunFile.model_validate(chosen)
    if not job.models:
        raise UsageError("no model given; name one with -m, such as -m demo/efficientnet_lite0")
    if not job.data:
        raise UsageError("no data given; name some with -d, such as -d imagefolder:data/val")
    if job.format is not None and job.as_json:
        raise UsageError("--json and --format both say what to print; leave one of them out")
    if job.format == "model-card" and len(job.models) > 1:
        raise UsageError(
            "a model card is about one model: run one, or choose it afterwards with report"
        )
    if job.profile:
        profiles = [str(Spec("profile", path=path)) for path in job.profile]
        job = job.model_copy(update={"stresses": [*(job.stresses or ()), *profiles]})
    return job


def _options(job: RunFile) -> dict[str, Any]:
    names = (
        "limit",
        "seed",
        "device",
        "batch_size",
        "precision",
        "executor",
        "retry_failed",
        "until",
        "transfer",
        "adapt",
        "keep",
    )
    return {name: getattr(job, name) for name in names if getattr(job, name) is not None}


def run(job: RunFile) -> Run:
    """Run a job, watched on standard error."""
    from roadworthy.engine.live import watching
    from roadworthy.evaluation import evaluate

    if not job.out:
        raise UsageError("no output folder given; name one with -o, such as -o results/first")
    assert job.models is not None
    assert job.data is not None
    watch = "quiet" if job.quiet or job.as_json else "auto"
    with watching(watch) as watcher:
        return evaluate(
            job.models, job.data, job.stresses, out=job.out, watcher=watcher, **_options(job)
        )


def outcome(finished: Run, job: RunFile) -> str:
    """Return what a finished run prints: the table that ends it, or the format asked for."""
    if job.format is not None:
        from roadworthy.exporting.api import export

        return export(finished, job.format)
    return (json.dumps(finished.summary) if job.as_json else closing(finished)) + "\n"


def closing(finished: Run) -> str:
    """Return the table that ends a run, what failed, and where everything is."""
    from roadworthy.engine.stops import sentences
    from roadworthy.report import bits, matrix, profiles

    summary = finished.summary
    tables = [*matrix.lines(summary), *bits.lines(summary)]
    lines = [_table(summary), *tables, *([""] if tables else [])]
    lines.extend(profiles.sentences(summary))
    lines.extend(sentence for run in finished.runs[-1:] for sentence in sentences(run))
    failed = failures(finished)
    for failure in failed[:5]:
        lines.append(f"failed: {failure['reasons'][0]}")
    if len(failed) > 5:
        lines.append(
            f"… and {len(failed) - 5} more failed; all in {finished.folder}/failures.jsonl"
        )
    for name in finished.runs[-1].get("damaged", ()) if finished.runs else ():
        lines.append(f"damaged part, set aside and judged again: {finished.folder / name}")
    for path in finished.damaged:
        lines.append(f"damaged, left out and done again at the next run: {path}")
    lines.append(f"records, summary.json and failures in {finished.folder}/")
    lines.append(f"page: roadworthy report {finished.folder}")
    return "\n".join(lines)


def _table(summary: Mapping[str, Any]) -> str:
    """Return the table: drawn for a terminal, as Markdown for a pipe."""
    from rich.console import Console

    from roadworthy.report import table

    if not sys.stdout.isatty():
        return table.lines(summary)
    console = Console()
    with console.capture() as capture:
        console.print(table.table(summary, width=console.width))
    return capture.get().rstrip()


def failures(finished: Run) -> list[dict[str, Any]]:
    """Return one entry for each image that failed, with its reasons."""
    path = finished.folder / "failures.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def has_failures(finished: Run) -> bool:
    """Whether any sample of the run failed."""
    return bool(failures(finished))


def dry_run(job: RunFile) -> str:
    """Return what a job would do, what it cannot do, and roughly how long it would take."""
    from roadworthy.engine.cost import estimate
    from roadworthy.engine.options import Options
    from roadworthy.evaluation import prepare

    assert job.models is not None
    assert job.data is not None
    prepared = prepare(job.models, job.data, job.stresses, Options(**_options(job)))
    found = estimate(prepared.plan, prepared.options, Path(job.out) if job.out else None)
    if job.as_json:
        return json.dumps(found.as_dict())
    more = [one.spec for one in prepared.suites if one.following is not None]
    return "\n".join([found.text(), *(f"then what follows from the results of {s}" for s in more)])


def verify(folder: Path, *, rows: int, seed: int) -> Findings:
    """Judge random rows of a run again and check its files."""
    from roadworthy.engine.verify import verify as examine

    return examine(folder, rows=rows, seed=seed)
