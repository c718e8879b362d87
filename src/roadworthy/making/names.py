"""What the published layouts call things: folders of stresses and classes, files of samples."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence

from roadworthy.seed import digest
from roadworthy.stress.bound import Setting, Stress
from roadworthy.types import Classes, Sample

_UNSAFE = re.compile(r"[^\w.=,+\- ]+")
_ROW = re.compile(r"(.+)#(\d+)")
LONGEST = 120


def stress_folder(one: Stress, setting: Setting) -> str:
    """Return the folder of one variant: ``fog/3``, ``fog/strength=2.5``, ``translate``.

    Sequences carry the names of their corruptions, as in ImageNet-P; where the difficulty changes
    the frames, and not only which of them are compared, a second folder is called ``NAME_2``.
    """
    definition = one.definition
    if definition.tables is not None:
        name = definition.name.removesuffix("_sequence")
        difficulty = setting.arguments["difficulty"]
        harder = definition.tables.compare == "first" and difficulty > 1
        return f"{name}_{difficulty}" if harder else name
    if "severity" in setting.arguments:
        return f"{definition.name}/{setting.arguments['severity']}"
    key = safe(setting.key)
    return f"{definition.name}/{key}" if key else definition.name


def class_folders(classes: Classes, samples: Sequence[Sample]) -> dict[int, str]:
    """Return the folder of each label that occurs: its WordNet id, else its name, else its index."""
    labels = sorted({sample.label for sample in samples})
    for words in (classes.wnids, classes.names):
        if words is None or labels[-1] >= len(words):
            continue
        found = {label: safe(words[label]) for label in labels}
        whole = all(found[label] and found[label] == words[label] for label in labels)
        if whole and len({name.lower() for name in found.values()}) == len(found):
            return found
    return {label: str(label) for label in labels}


def file_stems(samples: Sequence[Sample], *, flat: bool = False) -> dict[str, str]:
    """Return the file name, without its suffix, of each sample by id.

    It is the name of the original file; where two of a class have the same, or two of any class if
    all are in one ``flat`` folder, each gets a part of the digest of its id, whatever subset is made.
    """
    stems = {sample.id: stem_of(sample.id) for sample in samples}
    folders = {sample.id: 0 if flat else sample.label for sample in samples}
    taken = Counter((folders[sample.id], stems[sample.id].lower()) for sample in samples)
    return {
        sample.id: (
            stems[sample.id]
            if taken[folders[sample.id], stems[sample.id].lower()] == 1
            else f"{stems[sample.id]}-{digest(sample.id, size=4)}"
        )
        for sample in samples
    }


def stem_of(name: str) -> str:
    """Return the file name, without its suffix, that a sample has by itself: ``0017``, ``x_3``."""
    base = name.rpartition("/")[2]
    row = _ROW.fullmatch(base)
    if row:
        return safe(f"{os.path.splitext(row[1])[0]}_{row[2]}")
    return safe(os.path.splitext(base)[0]) or "image"


def safe(text: str) -> str:
    """Return ``text`` as the name of a file: nothing hidden, no separators, not too long."""
    return _UNSAFE.sub("_", text).strip(" .")[:LONGEST]
