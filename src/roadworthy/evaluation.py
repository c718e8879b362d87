"""The main job: judge models on data under stresses, and leave a run behind."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from roadworthy.baselines import load_baseline
from roadworthy.data.parts import parts_of
from roadworthy.data.registry import open_data
from roadworthy.engine.compact import compact
from roadworthy.engine.cost import bytes_kept
from roadworthy.engine.execute import Engine
from roadworthy.engine.files import disk_errors
from roadworthy.engine.generated import Later, Staged, run_stages
from roadworthy.engine.listed import with_skipped
from roadworthy.engine.live import Quiet, Watcher
from roadworthy.engine.options import Adapt, Executor, Options, Precision, cores
from roadworthy.engine.plan import Cell, Judge, Plan, is_stored, plan
from roadworthy.engine.remaining import remaining
from roadworthy.engine.settled import settle
from roadworthy.engine.stops import noted
from roadworthy.engine.store import Store
from roadworthy.engine.versions import versions as versions
from roadworthy.engine.view import view
from roadworthy.errors import FetchError, InapplicableError, RoadworthyError, UsageError
from roadworthy.models.lists import Skipped, expand
from roadworthy.models.statistics import mean_of
from roadworthy.profiles.costs import costs_of
from roadworthy.run import Run
from roadworthy.seed import digest
from roadworthy.spec import Spec
from roadworthy.stress.bound import Stress
from roadworthy.suites import DEFAULT_SUITE, BoundSuite, is_suite, resolve
from roadworthy.types import Classifier, Dataset, Metadata


@dataclass(frozen=True)
class Prepared:
    """Everything that is settled before any work: what runs, on what, and how."""

    plan: Plan
    judges: tuple[Judge, ...]
    datasets: tuple[Dataset, ...]
    stresses: tuple[Stress, ...]
    options: Options
    suites: tuple[BoundSuite, ...] = ()
    alone: tuple[str, ...] = ()
    """Specs of the stresses that were asked for by themselves, not as members of a suite."""


def evaluate(
    models: str | Classifier | Sequence[str | Classifier],
    data: str | Dataset | Sequence[str | Dataset],
    stresses: str | Sequence[str | Spec | Stress] | None = None,
    *,
    out: str | Path,
    limit: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    batch_size: int | Literal["auto"] = "auto",
    precision: Precision = "fp32",
    executor: Executor = "serial",
    retry_failed: bool = False,
    until: str | None = None,
    transfer: bool = False,
    adapt: Adapt = "resize",
    keep: bool = False,
    watcher: Watcher | None = None,
) -> Run:
    """Judge ``models`` on ``data`` under ``stresses`` and return the run kept in the folder ``out``.

    Models, data and stresses are specs or live objects, one or several; without ``stresses`` the
    suite ``quick`` runs, on stored benchmarks alone just ``clean``. ``clean`` always runs too. What
    the folder already holds is not done again. ``limit`` keeps a stratified prefix of every data
    set; ``retry_failed`` judges samples again that failed before. ``until`` stops a stress once an
    interval is narrow enough: ``top1±1.0`` means 95 % within one percent, allowing for every look
    taken. With ``transfer`` every model judges what attacks make of every other one, in the frame of
    the first model, or by ``adapt="pad_crop"`` in that of the model attacked; what is made is kept in
    ``artifacts`` (without transfer, if ``keep``), so that a model added later only judges.
    Raises UsageError for what cannot run and RoadworthyError for what fails on the way; finished
    parts are kept either way.
    """
    options = Options(
        limit,
        seed,
        device,
        batch_size,
        precision,
        executor,
        retry_failed,
        until,
        transfer,
        adapt,
        keep,
    )
    live = [m for m in (*_listed(models), *_listed(data)) if not isinstance(m, str | Spec)]
    if executor == "processes" and live:
        raise UsageError(
            f"executor 'processes' loads models and data in each process, so it needs specs, "
            f"not a live {type(live[0]).__name__}"
        )
    store = Store.create(Path(out))
    prepared = prepare(models, data, stresses, options)
    return carry_out(prepared, store, watcher=watcher)


def prepare(
    models: str | Classifier | Sequence[str | Classifier],
    data: str | Dataset | Sequence[str | Dataset],
    stresses: str | Sequence[str | Spec | Stress] | None,
    options: Options,
) -> Prepared:
    """Resolve every name, cheapest first, load the models and plan the cells; nothing runs yet."""
    wanted = _listed(stresses)
    if wanted:  # what is misspelt is said before anything is opened
        for suite in resolve(wanted)[1]:
            if suite.baseline is not None:
                load_baseline(suite.baseline, [one.spec for one in suite.stresses])
    given = [d if hasattr(d, "samples") else open_data(d) for d in _listed(data)]
    opened = [part for dataset in given for part in parts_of(dataset)]
    datasets = _distinct(opened, "data set", "data (-d)")
    wanted = wanted or ["clean" if all(map(is_stored, datasets)) else DEFAULT_SUITE]
    chosen, asked = resolve(wanted)
    alone = resolve(one for one in wanted if not is_suite(one))[0]
    members = {one.digest for suite in asked for one in suite.stresses}
    use_cores()
    named, skipped = expand(_listed(models))
    listed = {m for m in named if isinstance(m, str) and m not in _listed(models)}
    found, unfetched = _judges(named, options, may_miss=listed)
    judges, underived = _with_derived(found, asked)
    _check_costs(asked, judges)
    only = members - {one.digest for one in alone}
    planned = with_skipped(
        plan(judges, datasets, chosen, options, members=only), [*skipped, *unfetched, *underived]
    )
    return Prepared(
        planned,
        tuple(judges),
        tuple(datasets),
        tuple(chosen),
        options,
        tuple(asked),
        tuple(one.spec for one in alone),
    )


def _check_costs(suites: Sequence[BoundSuite], judges: Sequence[Judge]) -> None:
    """Raise UsageError for a cost matrix that names classes which a model does not have."""
    for suite in suites:
        if suite.profile is not None and suite.profile.costs is not None:
            for judge in judges:
                classes = judge.model.classes
                costs_of(suite.profile.costs, list(classes.names or classes.wnids or ()))


def carry_out(prepared: Prepared, store: Store, *, watcher: Watcher | None = None) -> Run:
    """Do what the plan asks for and write ``summary.json``, also when interrupted half-way."""
    with disk_errors(store.folder):
        return _carried_out(prepared, store, watcher or Quiet())


def _carried_out(prepared: Prepared, store: Store, watcher: Watcher) -> Run:
    run_id = uuid.uuid4().hex
    craftings = [making.key for cell in prepared.plan.cells for making in cell.makings]
    damaged = [*store.set_aside(), *store.artifacts.set_aside(craftings)]
    about = {**_about(prepared, store, run_id), "damaged": damaged}
    store.write_json(f"runs/{run_id}.json", about)
    store.sequence = about["sequence"]
    settle(prepared.plan, store, prepared.options)
    _check_room(prepared, store)
    engine = Engine(store, prepared.options, watcher)
    try:
        if prepared.options.executor == "processes":
            _in_processes(prepared, store, engine)
        # What is left: everything, or what a lost worker was at.
        done = run_prepared(
            engine, prepared, lambda stage: _note_stage(about, stage, prepared, store)
        )
        about |= _planned(done.plan, done.later, prepared, store)
        about |= noted(done.outcomes, about, prepared.options, store)
        compact(store, {cell.request for cell in done.plan.cells})
    except BaseException:
        # What ended the run is what the user must hear of, not that the same disk is still full.
        with suppress(RoadworthyError, OSError):
            _close(prepared, store, engine, about)
        raise
    return _close(prepared, store, engine, about)


def run_prepared(engine: Engine, prepared: Prepared, tell: Callable[[Staged], None]) -> Staged:
    """Run what was prepared, and what its suites make of the results; ``tell`` hears of each stage."""
    judges, datasets = prepared.judges, prepared.datasets
    return run_stages(engine, prepared.plan, prepared.suites, judges, datasets, tell)


def _close(prepared: Prepared, store: Store, engine: Engine, about: dict[str, Any]) -> Run:
    """Write what the invocation did, the summary and the failures."""
    engine.watcher.finish()
    written: dict[str, set[str]] = {cell["request"]: set() for cell in about["cells"]}
    for part in store.parts()[0]:
        if part.request in written:
            written[part.request] |= {key for key, _ in part.keys}
    about |= {
        "parts": {request: sorted(keys) for request, keys in written.items()},
        "parts_written": engine.parts_written,
        "batch_sizes": engine.batches.as_dict(prepared.plan),
        "decodes": engine.counters.decodes,
        "recodes": engine.counters.recodes,
        "made": engine.made.count,
        "crafted": {
            spec: engine.crafted[spec]
            for spec in dict.fromkeys(c.maker.spec for c in prepared.plan.cells if c.maker)
        },
        "finished": _now(),
    }
    store.write_json(f"runs/{about['id']}.json", about)
    run = Run(store.folder)
    store.write_json("summary.json", run.summary)
    store.write_bytes("records.sql", view(run).encode())
    _write_failures(store, run)
    return run


def _check_room(prepared: Prepared, store: Store) -> None:
    """Warn of a matrix of one model, and refuse to keep more than the disk has room for."""
    plan, options = prepared.plan, prepared.options
    if options.transfer and len(prepared.judges) == 1:
        print(
            "warning: transfer with one model: what fools it is kept; give a second model with the "
            "same command to see whether that is fooled as well",
            file=sys.stderr,
        )
    keeping = [cell for cell in plan.cells if bytes_kept(cell)]
    left = remaining(store, keeping, retry_failed=options.retry_failed) if keeping else {}
    needed = sum(len(left[cell.request]) * bytes_kept(cell) for cell in keeping)
    free = shutil.disk_usage(store.folder).free
    if needed > free:
        raise RoadworthyError(
            f"what the attacks make would take up to {needed / 1e9:.1f} GB in '{store.folder}', where "
            f"{free / 1e9:.1f} GB are free; give a smaller --limit, or another folder with -o"
        )


def _in_processes(prepared: Prepared, store: Store, engine: Engine) -> None:
    """Let worker processes do the plan; what a worker that died leaves is left to the caller."""
    from roadworthy.engine.units import SMALLEST_UNIT
    from roadworthy.engine.workers import Share, processes, run_processes, unit_size

    count = processes(prepared.options.device)
    share = Share(
        models=tuple(judge.spec for judge in prepared.judges if not judge.origin),
        data=tuple(dataset.spec for dataset in prepared.datasets),
        stresses=prepared.alone,
        suites=tuple(suite.spec for suite in prepared.suites),
        options=prepared.options,
        folder=str(store.folder),
        index=0,
        count=count,
        # Stages are short, so that only small units give every worker some of one.
        unit=SMALLEST_UNIT if prepared.options.until else unit_size(prepared.plan, count),
    )
    for sentence in run_processes(prepared.plan, share, engine.watcher, engine.crafted):
        print(f"warning: {sentence}", file=sys.stderr)


def use_cores() -> None:
    """Give torch all cores and OpenCV one thread: one thread budget, phases alternate."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(cores())


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | Spec | Stress) or not isinstance(value, list | tuple):
        return [value]
    return list(value)


def _distinct(found: list[Any], kind: str, where: str) -> list[Any]:
    if not found:
        raise UsageError(f"no {kind} given; name one with {where}")
    return list({item.spec: item for item in found}.values())


def _judges(
    models: list[Any], options: Options, *, may_miss: set[str]
) -> tuple[list[Judge], list[Skipped]]:
    """Return the models, and those of ``may_miss``, members of lists, whose weights cannot be fetched."""
    from roadworthy.models.load import load

    judges, missed = [], []
    for model in models:
        try:
            classifier = load(model, device=options.device)
        except FetchError as error:
            if not (isinstance(model, str) and model in may_miss):
                raise
            missed.append(Skipped(model, str(error)))
            continue
        metadata = getattr(classifier, "metadata", Metadata())
        spec = getattr(classifier, "spec", classifier.id)
        judges.append(Judge(classifier, spec, options.precision, metadata))
    if missed and not judges:
        first = missed[0]
        raise UsageError(
            f"nothing to judge: the weights of none of {len(missed)} models can be fetched; "
            f"{first.model}: {first.reason}"
        )
    return _distinct(judges, "model", "models (-m)"), missed


def _with_derived(
    judges: Sequence[Judge], suites: Sequence[BoundSuite]
) -> tuple[list[Judge], list[Skipped]]:
    """Return the models with those that suites make of each after it, and which cannot be made."""
    found: dict[str, Judge] = {}
    skipped = []
    for judge in judges:
        found.setdefault(judge.spec, judge)
        for suite in suites:
            try:
                made = suite.derive(judge.model) if suite.derive else []
            except InapplicableError as error:
                skipped.append(Skipped(judge.spec, f"{suite.name}: {error}"))
                continue
            for called, model in made:
                spec, facts = getattr(model, "spec", model.id), judge.metadata
                found[spec] = Judge(model, spec, judge.precision, facts, judge.spec, called)
    return list(found.values()), skipped


def _about(prepared: Prepared, store: Store, run_id: str) -> dict[str, Any]:
    options = prepared.options
    return {
        "schema": 1,
        "id": run_id,
        "sequence": store.sequence + 1,
        "started": _now(),
        "command": ["roadworthy", *sys.argv[1:]],
        "folder": os.getcwd(),
        "options": asdict(options),
        "versions": versions(),
        "hardware": {
            "machine": platform.machine(),
            "system": platform.platform(),
            "cores": cores(),
        },
        "models": [_about_model(judge, store) for judge in prepared.judges],
        **_planned(prepared.plan, (), prepared, store),
    }


def _planned(
    planned: Plan, later: Sequence[Later], prepared: Prepared, store: Store
) -> dict[str, Any]:
    """Return what an invocation says of its plan, as far as that is known."""
    sources = {cell.source.dataset.spec: cell.source for cell in planned.cells}
    manifests = {spec: store.write_manifest(source.samples) for spec, source in sources.items()}
    added = [text for one in later for text in one.stresses]
    suites = []
    for suite in prepared.suites:
        stages = [asdict(one) for one in later if one.suite == suite.spec]
        suites.append({**suite.as_dict(), "later": stages})
    return {
        "data": [_about_data(prepared, spec, name, store) for spec, name in manifests.items()],
        "stresses": list(dict.fromkeys([*(one.spec for one in prepared.stresses), *added])),
        "suites": suites,
        "unavailable": [asdict(pair) for pair in planned.unavailable],
        "same": [asdict(pair) for pair in planned.same],
        "alike": [entry for cell in planned.cells for entry in cell.alike()],
        "cells": [
            {
                "data": cell.source.dataset.spec,
                "model": cell.judge.spec,
                "stress": cell.stress.spec,
                "precision": cell.judge.precision,
                "request": cell.request,
                "manifest": manifests[cell.source.dataset.spec],
                **_handed_on(cell),
            }
            for cell in planned.cells
        ],
    }


def _note_stage(about: dict[str, Any], stage: Staged, prepared: Prepared, store: Store) -> None:
    """Keep what has been planned by now, so that whoever is killed after this has it in the summary."""
    about |= _planned(stage.plan, stage.later, prepared, store)
    store.write_json(f"runs/{about['id']}.json", about)


def _handed_on(cell: Cell) -> dict[str, str]:
    """Return whose inputs a cell judges, and in whose frame, where these are not the judge's own."""
    source = cell.made_by or ("" if cell.crafting else cell.owner)
    known = {"source": source, "frame": cell.owner}
    return {name: value for name, value in known.items() if value}


def _about_model(judge: Judge, store: Store) -> dict[str, Any]:
    classes = judge.model.classes
    return {
        "spec": judge.spec,
        "id": judge.model.id,
        "pipeline": str(judge.model.pipeline),
        "precision": judge.precision,
        **asdict(judge.metadata),
        "mean": list(mean_of(judge.model)),
        "classes": _names_of(classes.names or classes.wnids, store),
        "notes": list(getattr(judge.model, "notes", ())),
        "origin": judge.origin,
        "called": judge.called,
    }


def _about_data(prepared: Prepared, spec: str, manifest: str, store: Store) -> dict[str, Any]:
    cell = next(c for c in prepared.plan.cells if c.source.dataset.spec == spec)
    return {
        "spec": spec,
        "samples": len(cell.source.samples),
        "available": cell.source.available,
        "labels": cell.relation.description,
        "classes": _names_of(_by_index(cell), store),
        "manifest": manifest,
    }


def _by_index(cell: Cell) -> Sequence[str] | None:
    """Return the names of the classes of the data where they are the outputs of the judge in order."""
    names, targets = cell.source.dataset.classes.names, cell.relation.targets
    same = names is not None and targets.tolist() == list(range(len(names)))
    return names if same else None


def _names_of(names: Sequence[str] | None, store: Store) -> str | None:
    """Write a list of names and return what it is called; None for no names."""
    if not names:
        return None
    name = digest(*names)
    if not (store.folder / "manifests" / f"{name}.json").exists():
        store.write_bytes(f"manifests/{name}.json", json.dumps(list(names)).encode())
    return name


def _write_failures(store: Store, run: Run) -> None:
    import polars as pl

    failed = run.scan().filter(pl.col("status") == "failed")
    grouped = (
        failed.group_by("data", "sample", maintain_order=True)
        .agg(
            pl.col("reason").unique(maintain_order=True).alias("reasons"),
            pl.col("stress").unique(maintain_order=True).alias("stresses"),
        )
        .collect()
    )
    lines = [json.dumps(row, ensure_ascii=False) for row in grouped.iter_rows(named=True)]
    store.write_bytes("failures.jsonl", "".join(f"{line}\n" for line in lines).encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
