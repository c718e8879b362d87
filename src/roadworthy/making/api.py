"""``rw.make``: corrupted copies of a data set on disk, in the layouts of the published benchmarks."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.data.base import Images
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.errors import UsageError
from roadworthy.making import masks, readings
from roadworthy.making.folder import begin
from roadworthy.making.made import Control, Made
from roadworthy.making.manifest import Manifest
from roadworthy.making.names import class_folders, file_stems
from roadworthy.making.pool import work
from roadworthy.making.request import Variant, variants_of
from roadworthy.making.stacks import make_stacks
from roadworthy.making.worker import Result, Target, Task, Worker, key_of
from roadworthy.pipeline.published import FrameName
from roadworthy.seed import digest
from roadworthy.spec import Spec
from roadworthy.stores import store as open_store
from roadworthy.stress.bound import Stress
from roadworthy.suites import expand
from roadworthy.types import Dataset, Sample

if TYPE_CHECKING:
    from roadworthy.engine.live import Watcher
    from roadworthy.types import Classifier

SAMPLES_A_TASK = 4

Report = Callable[[int], None]
"""Told that so many more files are there."""


def make(
    stresses: str | Spec | Stress | Sequence[str | Spec | Stress],
    data: str | Dataset,
    out: str | Path,
    *,
    store: str | None = None,
    frame: FrameName | None = None,
    jobs: int = 1,
    limit: int | None = None,
    seed: int = 0,
    model: str | Classifier | None = None,
    control: Control | None = None,
    device: str = "cpu",
    report: Report | None = None,
    watcher: Watcher | None = None,
) -> Made:
    """Write ``data`` under ``stresses`` (corruptions, sequences, suites) into the folder ``out``.

    Corruptions become ``<stress>/<severity>/<class>/<name>``, in the format ``store``: ``png``
    (default), ``jpeg(quality=85)`` as ImageNet-C, or ``npy``, one array (severities x N, H, W, 3) for
    each corruption and ``labels.npy``, as CIFAR-10-C. Sequences become ``<stress>/<class>/<name>.mp4``
    as ImageNet-P or, ``npy``, (N, T, H, W, 3). ``frame`` is ``imagenet`` (default: 224 x 224),
    ``inception``, ``tiny`` or ``untouched`` (default for arrays). The pictures are those that
    `evaluate` judges with the same seed and frame, whatever the number of processes ``jobs``. Other
    decoders and resizers become ``<decoder>/<resizer>/<name>.npy``, uint8 (H, W, 3) without loss, with
    a list ``<decoder>_<resizer>.txt``, as ImageNet-S; the frame is ``squash256`` by default. The folder
    says what it holds in ``make.json`` and ``manifest.jsonl``; the same call again makes what is
    missing or damaged. Subsets that a ``model`` finds sufficient (``sis``) become
    ``sis/threshold=0.9/<class>/<name>.png`` and ``sis/fraction=0.05/...`` in its own frame, with masks
    below ``masks`` (``npy``: an ``.npz`` each, for the reader ``arrays``); with
    ``control="random_subset"`` random ones of the same sizes too. The run that finds them, on
    ``device`` and told of to ``watcher``, is kept in ``run``. Raises UsageError for what cannot be
    made, and RoadworthyError for a disk that refuses. Hendrycks & Dietterich, ICLR 2019; Carter,
    Jain, Mueller & Gifford, NeurIPS 2021.
    """
    for name, value in (("jobs", jobs), ("limit", limit)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is 1 or more, not {value}")
    chosen = expand([stresses] if isinstance(stresses, str | Spec | Stress) else stresses)
    kept_as = None if store is None else open_store(store).spec
    if _ranked(chosen):
        from roadworthy.making.subsets import make_subsets  # needs torch, as nothing else here does

        if frame is not None:
            raise UsageError(
                f"'{chosen[0].spec}': subsets are made in the frame of the model; leave out frame"
            )
        return make_subsets(
            chosen,
            open_data(data) if isinstance(data, str) else data,
            Path(out),
            model=model,
            control=control,
            store=kept_as or "png",
            limit=limit,
            seed=seed,
            device=device,
            report=report or _silent,
            watcher=watcher,
        )
    for flag, given in (("model (-m)", model), ("control (--control)", control)):
        if given is not None:
            raise UsageError(
                f"a {flag} belongs to subsets that a model makes, such as sis(threshold=0.9); "
                f"'{chosen[0].spec}' asks for none"
            )
    variants = variants_of(chosen, frame=frame, store=kept_as)
    dataset = open_data(data) if isinstance(data, str) else data
    samples = _chosen(dataset, limit, seed)
    stacked = any(variant.stack for variant in variants)
    read = dict.fromkeys(v.folder for v in variants if readings.reads(v.stress))
    request: dict[str, Any] = {"data": dataset.spec, "seed": seed}
    if read:  # the layout has no folders that say what a label is
        request["classes"] = readings.described(dataset.classes)
    if stacked:  # the rows of an array are its samples, so that all arrays need the same
        request["samples"] = digest(*(sample.id for sample in samples))
    folder = Path(out)
    begin(folder, request, {variant.folder: variant.about for variant in variants})
    worker = Worker(folder, _light(dataset, jobs), variants, seed)
    manifest = Manifest(folder)
    tell = report or _silent
    if stacked:
        made = make_stacks(worker, samples, manifest, jobs=jobs, report=tell)
    else:
        made = _make_files(worker, dataset, samples, manifest, jobs=jobs, report=tell)
    manifest.close(made.failures)
    readings.write_lists(folder, list(read), manifest.records.values())
    return made


def _ranked(chosen: Sequence[Stress]) -> bool:
    """Whether stresses rank the pixels of images by a model; raises UsageError for some of them."""
    found = [one for one in chosen if one.definition.ranking is not None]
    if found and len(found) < len(chosen):
        raise UsageError(
            f"'{found[0].spec}' is made by a model, the other stresses are not; make them into two "
            "folders"
        )
    return bool(found)


def _silent(_files: int) -> None:
    pass


def _chosen(dataset: Dataset, limit: int | None, seed: int) -> list[Sample]:
    """Return the samples in the order of the data set: all, or the stratified prefix of a run."""
    if limit is None:
        return list(dataset.samples)
    kept = {sample.id for sample in order(dataset.samples, seed=seed)[:limit]}
    return [sample for sample in dataset.samples if sample.id in kept]


def _light(dataset: Dataset, jobs: int) -> Dataset:
    """Return the data set as processes get it: without its list of samples."""
    if jobs == 1:
        return dataset
    light = replace(dataset, samples=()) if isinstance(dataset, Images) else dataset
    try:
        pickle.dumps(light)
    except Exception as error:
        raise UsageError(
            f"the data set '{dataset.spec}' cannot be handed to other processes ({error}); "
            f"use one job"
        ) from None
    return light


def _make_files(
    worker: Worker,
    dataset: Dataset,
    samples: Sequence[Sample],
    manifest: Manifest,
    *,
    jobs: int,
    report: Report,
) -> Made:
    written, kept = 0, 0
    failures: dict[str, str] = {}
    # Names come from the whole data set, so that a prefix of it has the same ones.
    stems, classes = file_stems(dataset.samples), class_folders(dataset.classes, dataset.samples)
    places = {s.id: f"{classes[s.label]}/{stems[s.id]}" for s in samples}
    flat = file_stems(dataset.samples, flat=True)
    tasks = _tasks(worker.variants, samples, places, flat, manifest)
    results: Iterator[Result] = work(worker.do, tasks, jobs=jobs)
    for result in results:
        manifest.add(result.records)
        written += len(result.records)
        kept += result.kept
        failures |= result.failures
        report(len(result.records) + result.kept)
    return Made(worker.folder, written, kept, failures)


def _tasks(
    variants: Sequence[Variant],
    samples: Sequence[Sample],
    places: Mapping[str, str],
    flat: Mapping[str, str],
    manifest: Manifest,
) -> Iterator[Task]:
    suffixes = [open_store(variant.store).suffix for variant in variants]
    for start in range(0, len(samples), SAMPLES_A_TASK):
        work_on = []
        for sample in samples[start : start + SAMPLES_A_TASK]:
            targets = []
            for index, variant in enumerate(variants):
                place = flat if readings.reads(variant.stress) else places
                file = f"{variant.folder}/{place[sample.id]}{suffixes[index]}"
                for mask in (False, True)[: 1 + variant.masked]:
                    path = masks.beside(file) if mask else file
                    known = manifest.records.get(path)
                    same = known is not None and known.key == key_of(variant, sample, mask=mask)
                    sha256 = known.sha256 if known and same else None
                    targets.append(Target(index, path, sha256, mask))
            work_on.append((sample, targets))
        yield Task(work_on)
