"""What is to be made: variants with their folders, frames and formats, settled before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from roadworthy.binding import resolved_digest
from roadworthy.errors import UsageError
from roadworthy.making import readings
from roadworthy.making.names import stress_folder
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.published import FrameName, published
from roadworthy.seed import digest
from roadworthy.stores import store as open_store
from roadworthy.stores.base import Store
from roadworthy.stress.bound import Setting, Stress, stress
from roadworthy.types import Tap


@dataclass(frozen=True)
class Variant:
    """One setting of one stress: where its files go, in which frame it acts, how it is kept.

    ``key`` covers all that decides about the pixels, but for the sample and the seed. ``stress``
    keeps nothing in between: the file itself is what is kept.
    """

    stress: Stress
    setting: Setting
    folder: str
    frame: FrameName
    store: str
    key: str

    @property
    def pipeline(self) -> Pipeline:
        """How a picture is made ready for the stress, or, of another way to read files, by it."""
        if readings.reads(self.stress):
            return readings.pipeline_of(self.stress, self.setting, self.frame)
        return published(self.frame, Pipeline(size=None))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as text: functions and formats do not."""
        about = (self.stress.spec, self.setting.key, self.folder, self.frame, self.store, self.key)
        return _from_text, about

    @property
    def about(self) -> dict[str, Any]:
        """What the note in the folder says of it."""
        return {
            "stress": self.stress.spec,
            "variant": self.setting.key,
            "version": self.stress.definition.version,
            "frame": self.frame,
            "store": self.store,
            "key": self.key,
        }

    @property
    def masked(self) -> bool:
        """Whether the pixels that stay are kept as masks beside the pictures."""
        return self.stress.definition.keeps is not None

    @property
    def stack(self) -> bool:
        """Whether all samples go into one array."""
        return self.store == "npy" and not readings.reads(self.stress)


def _from_text(spec: str, setting: str, *rest: Any) -> Variant:
    one = _plain(spec)
    return Variant(one, next(s for s in one.settings if s.key == setting), *rest)


@lru_cache(maxsize=1024)
def _plain(spec: str) -> Stress:
    return replace(stress(spec), store=None)


def variants_of(
    stresses: Sequence[Stress], *, frame: FrameName | None, store: str | None
) -> list[Variant]:
    """Return every variant of ``stresses``, each folder once.

    ``frame`` and ``store`` win over what a stress says; without either, corruptions are PNG,
    sequences MP4, and the frame is that of ImageNet-C, for arrays the pictures as they are. Other ways
    to read files are an array for each, in the frame of ImageNet-S. Raises UsageError for stresses
    that make no pictures, for formats that cannot hold them, and where two variants would share a
    folder.
    """
    found: dict[str, Variant] = {}
    for one in stresses:
        _check_tap(one)
        kept = _store_of(one, store)
        where = _frame_of(one, frame, kept)
        plain = replace(one, store=None)
        for setting in one.settings:
            variant = _variant(plain, setting, where, kept.spec)
            same = found.setdefault(variant.folder, variant)
            if same.key != variant.key:
                raise UsageError(
                    f"'{same.stress.spec}' and '{one.spec}' would both be kept in the folder "
                    f"'{variant.folder}'; make them into two folders"
                )
    variants = list(found.values())
    _check_stacks(variants)
    return variants


def _variant(one: Stress, setting: Setting, frame: FrameName, store: str) -> Variant:
    definition = one.definition
    if readings.reads(one):
        pipeline = readings.pipeline_of(one, setting, frame)
        key = readings.key_of(pipeline, frame, store)
        return Variant(one, setting, readings.folder_of(pipeline), frame, store, key)
    arguments = dict(setting.arguments)
    if definition.tables is not None and definition.tables.compare == "previous":
        arguments.pop("difficulty")  # only says which frames are compared
    pixels = resolved_digest(definition.name, definition.version, arguments)
    key = digest(pixels, frame, store, size=8)
    return Variant(one, setting, stress_folder(one, setting), frame, store, key)


def _check_tap(one: Stress) -> None:
    if one.definition.tap not in (Tap.IMAGE, Tap.RESIZED, Tap.PIPELINE):
        raise UsageError(
            f"'{one.spec}' makes no picture of its own ({one.definition.tap.name}); `make` writes "
            f"corruptions and sequences, such as fog or translate, and what other decoders and "
            f"resizers make of files, such as imagenet_s"
        )


def _store_of(one: Stress, given: str | None) -> Store:
    sequence = one.definition.sequence
    read = readings.reads(one)
    default = one.store or open_store("mp4" if sequence else "npy" if read else "png")
    kept = default if given is None else open_store(given)
    if read:
        readings.check_store(one, kept)
    if sequence and not kept.whole:
        raise UsageError(f"'{one.spec}' is a sequence: keep it as mp4 or npy, not {kept.spec}")
    if kept.suffix == ".mp4" and not sequence:
        raise UsageError(
            f"'{one.spec}' is no sequence: keep it as png, jpeg or npy, not {kept.spec}"
        )
    if not kept.suffix:
        raise UsageError(f"the store '{kept.spec}' writes no files; use png, jpeg, npy or mp4")
    return kept


def _frame_of(one: Stress, given: FrameName | None, kept: Store) -> FrameName:
    if given == "own":
        raise UsageError(
            "frame 'own' is that of a model, and `make` has none; use imagenet, inception, tiny or "
            "untouched"
        )
    if given is not None:
        return given
    if one.frame != "own":
        return one.frame
    if readings.reads(one):
        return readings.FRAME
    return "untouched" if kept.suffix == ".npy" else "imagenet"


def _check_stacks(variants: Sequence[Variant]) -> None:
    """Raise UsageError where arrays would not fit one file of labels, as in CIFAR-10-C."""
    stacks = [variant for variant in variants if variant.stack]
    if not stacks:
        return
    if len({(v.stack, v.frame, v.stress.definition.sequence) for v in variants}) > 1:
        raise UsageError(
            "a folder of arrays holds either corruptions or sequences, all in one frame; make the "
            "others into another folder"
        )
    if stacks[0].stress.definition.sequence:
        return
    counts: dict[str, int] = {}
    for variant in stacks:
        counts[variant.stress.name] = counts.get(variant.stress.name, 0) + 1
    if len(set(counts.values())) > 1:
        raise UsageError(
            "arrays share one file of labels, so that every corruption needs as many severities: "
            + ", ".join(f"{name} has {count}" for name, count in counts.items())
        )
