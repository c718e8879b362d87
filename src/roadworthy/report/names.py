"""Names as they are shown: short but unambiguous specs, axes of stresses, harmless text."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePath
from unicodedata import category

from roadworthy.errors import RoadworthyError
from roadworthy.spec import Spec, SpecError, format_value, parse

AXES = {
    "clean": "Clean",
    "suite": "Suites",
    "corruption": "Corruptions",
    "sequence": "Sequences",
    "adversarial": "Adversarial",
    "systematic": "Systematic noise",
    "overinterpretation": "Overinterpretation",
    "other": "Other stresses",
}
"""Axes in the order of the report, with their headings."""

PROTOCOL = ("frame", "store")
WORST_CASE = "worst_case"
"""What a row over several attacks is called in front of the brackets with their specs."""

# A directory in front of a file name: after "provider:" or "key=", never the "/" of timm/resnet50 or
# of a number such as 4/255.
_FOLDERS = [
    re.compile(rf"(?<=[:=])(?!\[?\d+/\d)[^(),=:]*/(?=(?:[^/(),=:]+/){{{kept}}}[^/(),])")
    for kept in range(3)
]
_ELLIPSIS = "…"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_FOLDERS_OF = {"attacks": "adversarial", "corruptions": "corruption", "sequences": "sequence"}


def clean_text(value: object, *, limit: int = 2000) -> str:
    """Return ``value`` as one line without control characters, at most ``limit`` long.

    Joiners stay, which several scripts are written with; blanks of any width are one of the usual.
    """
    text = str(value)
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def middle(text: str, width: int) -> str:
    """Return ``text`` cut in the middle to ``width`` characters."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + _ELLIPSIS + text[len(text) - tail :]


def pathless(spec: str, *, kept: int = 0) -> str:
    """Return a spec with … for the folders of its paths but the last ``kept``: ``imagefolder:…/val``."""
    text = clean_text(spec)
    shorter = _FOLDERS[kept].sub(_ELLIPSIS + "/", text)
    return text if shorter == text else shorter.replace("'", "")


def short_names(specs: Iterable[str], width: int) -> dict[str, str]:
    """Return a short name for each spec, at most ``width`` characters where that stays unambiguous.

    Parameters that all specs share go first, then folders of paths
    (``torch:…/nets.py:resnet20(checkpoint=…/r.pt)``), then the middle; two specs never get the same
    name: they grow until they differ.
    """
    full = {spec: clean_text(spec) for spec in dict.fromkeys(specs)}
    longest = max((len(text) for text in full.values()), default=0)
    own = _own_parameters(full) if longest > width else full
    without = [
        {spec: pathless(text, kept=kept) for spec, text in own.items()}
        for kept in range(len(_FOLDERS))
    ]
    told = [texts for texts in without if len(set(texts.values())) == len(texts)]
    for texts in (*told[:1], full):
        for room in range(max(width, 3), longest + 1 if texts is full else max(width, 3) + 24):
            short = {
                spec: full[spec] if len(full[spec]) <= room else middle(text, room)
                for spec, text in texts.items()
            }
            if len(set(short.values())) == len(short):
                return short
    return full


@lru_cache(maxsize=4096)
def unframed(label: str) -> str:
    """Return the spec of a stress without frame and store, which belong to the suite it is of."""
    if not any(f"{name}=" in label for name in PROTOCOL):
        return label
    try:
        spec = parse(label)
    except SpecError:
        return label
    params = tuple(param for param in spec.params if param[0] not in PROTOCOL)
    return clean_text(str(replace(spec, params=params)))


def stress_names(labels: Iterable[str], width: int) -> dict[str, str]:
    """Return a short name for each stress: without frame and store where that tells them apart."""
    bare = {label: unframed(label) for label in labels}
    often = Counter(bare.values())
    told = {label: text if often[text] == 1 else label for label, text in bare.items()}
    short = short_names(told.values(), width)
    return {label: short[text] for label, text in told.items()}


def model_names(specs: Iterable[str], width: int) -> dict[str, str]:
    """Return a name for each model: of networks in files ``resnet20 (r20_at)``, network and checkpoint.

    Models made of such have these names inside: ``quantized(resnet20 (r20_at), bits=4)``. Others
    keep their specs. Where that does not tell all of them apart these are `short_names`.
    """
    known = list(dict.fromkeys(specs))
    names = {model: middle(clean_text(_of_network(model)), width) for model in known}
    return names if len(set(names.values())) == len(known) else short_names(known, width)


def spec_and_precision(judge: str) -> tuple[str, str]:
    """Return the spec in the name of a judge and what stands behind it: `` [bf16]``, or nothing."""
    spec, bracket, precision = judge.partition(" [")
    return spec, bracket + precision


def _of_network(model: str) -> str:
    text, precision = spec_and_precision(model)
    try:
        spec = parse(text)
    except SpecError:
        return model
    if spec.path is None:
        return _made_of(spec) + precision if spec.args else model
    files = [str(value) for key, value in spec.params if key in ("checkpoint", "weights")]
    stems = [PurePath(value).stem for value in files]
    behind = f" ({', '.join(stems)})" if stems else ""
    return f"{spec.path.rpartition(':')[2]}{behind}{precision}"


def _made_of(spec: Spec) -> str:
    args = [_of_network(str(a)) if isinstance(a, Spec) else format_value(a) for a in spec.args]
    given = [f"{name}={format_value(value)}" for name, value in spec.params]
    return f"{spec.name}({', '.join([*args, *given])})"


def _own_parameters(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the specs without the parameters that all of them share, if they are specs at all."""
    try:
        parsed = {text: parse(text) for text in texts}
    except SpecError:
        return dict(texts)
    given = [{(key, str(value)) for key, value in spec.params} for spec in parsed.values()]
    shared = set.intersection(*given) if len(given) > 1 else set()
    if not shared:
        return dict(texts)
    left = {
        text: replace(spec, params=tuple(p for p in spec.params if (p[0], str(p[1])) not in shared))
        for text, spec in parsed.items()
    }
    return {text: clean_text(str(spec)).replace("'", "") for text, spec in left.items()}


@lru_cache(maxsize=1024)
def axis_of(stress: str) -> str:
    """Return the axis of a stress spec, one of AXES; ``other`` for plug-ins that are not here.

    Most are told by the folder they lie in, so that a report needs neither torch nor SciPy and their
    seconds of import time.
    """
    from roadworthy.stress import STRESSES
    from roadworthy.suites.base import suites

    name = re.match(r"[A-Za-z0-9_.+/-]*", stress.strip())
    if name is None or not name.group().isidentifier():
        return "other"
    for folder, axis in _FOLDERS_OF.items():
        if importlib.util.find_spec(f"roadworthy.stress.{folder}.{name.group()}") is not None:
            return axis
    if name.group() == WORST_CASE:
        return "adversarial"
    if name.group() in suites() or stress.startswith("profile:"):
        return "suite"
    try:
        axis = STRESSES.get(name.group()).axis
    except (RoadworthyError, ImportError):
        return "other"
    return axis if axis in AXES else "other"
