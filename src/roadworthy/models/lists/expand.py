"""From the names of lists to the specs of their members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.binding import bind
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.models.lists.base import Member, ModelList, lists
from roadworthy.registry import Parameter
from roadworthy.spec import Spec, format_value, parse

SIGN = "@"
SUFFIXES = (".safetensors", ".pth", ".pt", ".th", ".bin", ".ckpt")
PARAMETERS = (Parameter("only", Any, None), Parameter("weights", str | None, None))


@dataclass(frozen=True)
class Skipped:
    """A member of a list that cannot be judged, and why."""

    model: str
    reason: str


def expand(models: Iterable[Any]) -> tuple[list[Any], list[Skipped]]:
    """Put the members of lists in place of their names; return all models, and what is skipped.

    ``@survey18`` stands for all members that have published weights, ``@survey18(only=(vgg16,
    vgg19))`` for some of them. With ``weights=DIR`` those are meant whose weights are in DIR, in
    a file called as the member is: ``DIR/vgg16.pth``. Whatever is no name of a list is left as it
    is. Raises UsageError for a list or member that there is not, and where nothing is left.
    """
    found: list[Any] = []
    skipped: list[Skipped] = []
    for model in models:
        if not (isinstance(model, str) and model.lstrip().startswith(SIGN)):
            found.append(model)
            continue
        specs, left_out = _expanded(model.strip())
        if not specs:
            raise UsageError(
                f"{model}: nothing to judge; {left_out[0].model}: {left_out[0].reason}"
            )
        found += specs
        skipped += left_out
    return found, skipped


def _expanded(text: str) -> tuple[list[str], list[Skipped]]:
    known = [f"{SIGN}{name}" for name in lists()]
    if text == SIGN:
        raise UsageError(f"'{SIGN}': expected a name behind it (there is {', '.join(known)})")
    spec = parse(text[len(SIGN) :])
    if spec.name not in lists():
        near = did_you_mean(f"{SIGN}{spec.name}", known)
        raise UsageError(
            f"no list of models is called '{SIGN}{spec.name}'{near} (there is {', '.join(known)})"
        )
    chosen = lists()[spec.name]
    given = bind(spec, PARAMETERS, kind=f"list '{SIGN}{spec.name}'")
    folder = None if given["weights"] is None else Path(given["weights"]).expanduser()
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"{text}: weights '{folder}' is not a folder; expected one with a file a model"
        )
    specs, skipped = [], []
    for member in _only(chosen, given["only"]):
        made, reason = _spec(chosen, member, folder)
        if reason:
            skipped.append(Skipped(f"{chosen.name}/{member.key}", reason))
        else:
            specs.append(made)
    return specs, skipped


def _only(chosen: ModelList, value: Any) -> list[Member]:
    if value is None:
        return list(chosen.members)
    keys = value if isinstance(value, tuple) else (value,)
    members = {member.key: member for member in chosen.members}
    for key in map(str, keys):
        if key not in members:
            raise UsageError(
                f"{SIGN}{chosen.name} has no member '{key}'{did_you_mean(key, members)} "
                f"(`roadworthy show {SIGN}{chosen.name}` lists all)"
            )
    return [members[str(key)] for key in keys]


def _spec(chosen: ModelList, member: Member, folder: Path | None) -> tuple[str, str]:
    """Return the spec of a member, or why there is none."""
    if member.network is None:
        return "", member.why
    name = f"{chosen.name}/{member.key}"
    if folder is None:
        return name, "" if member.pretrained else member.why
    paths = (folder / f"{member.key}{suffix}" for suffix in SUFFIXES)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return "", f"no file {member.key}{'|'.join(SUFFIXES)} in {folder}"
    return f"{Spec(name)}(checkpoint={format_value(str(path))})", ""
