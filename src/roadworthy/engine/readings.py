"""How a stress on the reading of files reads them: what reads alike, bit for bit, is judged once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roadworthy.pipeline.base import Pipeline, probe_hash
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.changes import read_by
from roadworthy.types import Tap


@dataclass(frozen=True)
class Reading:
    """How one setting reads files: ``same`` are the keys of others that do so as well."""

    probe: str
    pipeline: Pipeline
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readings:
    """What the settings of a stress come to where frames are usually made by ``own``.

    ``settings`` are those that are judged, ``by_key`` how these read files.
    """

    own: Reading
    settings: tuple[Setting, ...]
    by_key: Mapping[str, Reading]

    def as_usual(self, setting: Setting) -> bool:
        """Whether ``setting`` reads files as if there were no stress."""
        return self.by_key[setting.key].probe == self.own.probe


def readings(one: Stress, own: Pipeline, first: dict[str, Pipeline]) -> Readings:
    """Return how ``one`` reads files that are usually read by ``own``.

    Pipelines with the same probe hash make the same frames, so of settings that share one the first
    stands for all. ``first`` remembers by probe hash the pipeline that was first to have it in a
    plan: all that read alike then share what was decoded. Raises UsageError for names that are not
    known.
    """
    usual = Reading(probe_hash(own), own)
    first.setdefault(usual.probe, own)
    if one.definition.tap is not Tap.PIPELINE:
        return Readings(usual, one.settings, {s.key: usual for s in one.settings})
    kept: dict[str, Setting] = {}
    by_key: dict[str, Reading] = {}
    for setting in one.settings:
        pipeline = read_by(one, setting, own)
        probe = probe_hash(pipeline)
        if probe in kept:
            chosen = kept[probe].key
            by_key[chosen] = replace(by_key[chosen], same=(*by_key[chosen].same, setting.key))
        else:
            kept[probe] = setting
            shared = own if probe == usual.probe else first.setdefault(probe, pipeline)
            by_key[setting.key] = Reading(probe, shared)
    return Readings(usual, tuple(kept.values()), by_key)
