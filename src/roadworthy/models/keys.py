"""Fit the tensors of a checkpoint to the tensors of a network, by name or by order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models import checkpoint

PREFIXES = ("module.", "model.", "_orig_mod.", "backbone.")
COUNTER = "num_batches_tracked"
SHOWN = 3

Tensors = Mapping[str, Tensor]


def load_weights(module: nn.Module, path: Path) -> tuple[str, ...]:
    """Load the checkpoint ``path`` into ``module``; returns notes on anything that was not plain.

    Weights may be nested in a checkpoint dict and carry the prefixes that wrappers add. Where the
    names differ throughout, tensors are paired in order if every pair has the same shape and the
    same last name component; a note says so. Raises UsageError, naming the first differences, if
    they do not fit, and what `checkpoint.read` raises.
    """
    target = module.state_dict()
    found = list(checkpoint.state_dicts(checkpoint.read(path)))
    if not found:
        raise RoadworthyError(
            f"checkpoint '{path}' holds no tensors by name; expected a state dict, bare or under "
            f"one of the keys {', '.join(checkpoint.NESTS)}"
        )
    for place, tensors in found:
        fitted = by_name(tensors, target)
        if fitted is not None:
            _copy(module, fitted, path)
            return _notes(path, place, found)
    for place, tensors in found:
        fitted = by_order(tensors, target)
        if fitted is not None:
            _copy(module, fitted, path)
            return (*_notes(path, place, found), _pairing(path, tensors, fitted))
    largest = max((tensors for _, tensors in found), key=len)
    raise UsageError(_difference(path, strip(largest, target), target))


def by_name(tensors: Tensors, target: Tensors) -> dict[str, Tensor] | None:
    """Return ``tensors`` under the keys of ``target``, without wrapper prefixes, or None."""
    tensors = strip(tensors, target)
    needed = {k for k in target if not k.endswith(COUNTER)}
    if not needed <= set(tensors) <= set(target):
        return None
    if any(tensors[k].shape != target[k].shape for k in tensors):
        return None
    return dict(tensors)


def by_order(tensors: Tensors, target: Tensors) -> dict[str, Tensor] | None:
    """Return ``tensors`` paired with ``target`` in order; None unless every pair agrees in kind.

    A key that both sides know must be paired with itself: names that agree are believed.
    """
    tensors = strip(tensors, target)
    if any(k.endswith(COUNTER) for k in tensors) != any(k.endswith(COUNTER) for k in target):
        tensors = {k: v for k, v in tensors.items() if not k.endswith(COUNTER)}
        target = {k: v for k, v in target.items() if not k.endswith(COUNTER)}
    if len(tensors) != len(target):
        return None
    for (a, given), (b, wanted) in zip(tensors.items(), target.items(), strict=True):
        same_kind = a.rpartition(".")[2] == b.rpartition(".")[2]
        contradicted = a != b and (a in target or b in tensors)
        if given.shape != wanted.shape or not same_kind or contradicted:
            return None
    return dict(zip(target, tensors.values(), strict=True))


def strip(tensors: Tensors, target: Tensors) -> Tensors:
    """Return ``tensors`` with wrapper prefixes removed as long as that lets more keys match."""
    best, matches = tensors, _matches(tensors, target)
    current = tensors
    for _ in range(len(PREFIXES)):
        prefix = next((p for p in PREFIXES if any(k.startswith(p) for k in current)), None)
        if prefix is None:
            break
        current = {k.removeprefix(prefix): v for k, v in current.items()}
        if _matches(current, target) > matches:
            best, matches = current, _matches(current, target)
    return best


def _matches(tensors: Tensors, target: Tensors) -> int:
    return sum(k in target for k in tensors)


def _copy(module: nn.Module, fitted: Tensors, path: Path) -> None:
    try:
        module.load_state_dict(dict(fitted), strict=False)
    except RuntimeError as error:
        reason = str(error).strip().rpartition("\n")[2].strip()
        raise RoadworthyError(f"checkpoint '{path}' could not be copied in: {reason}") from None


def _notes(path: Path, place: str, found: list[tuple[str, dict[str, Tensor]]]) -> tuple[str, ...]:
    size = len(dict(found)[place])
    others = [f"'{p}'" for p, tensors in found if p != place and len(tensors) == size]
    if not others:
        return ()
    return (f"{path.name}: used the weights under '{place}'; it also has {', '.join(others)}",)


def _pairing(path: Path, tensors: Tensors, fitted: Tensors) -> str:
    return (
        f"{path.name}: tensor names differ from the network's; all {len(fitted)} tensors were "
        f"paired in order by equal shape and kind ('{next(iter(tensors))}' -> "
        f"'{next(iter(fitted))}', …)"
    )


def _difference(path: Path, tensors: Tensors, target: Tensors) -> str:
    missing = [k for k in target if k not in tensors and not k.endswith(COUNTER)]
    surplus = [k for k in tensors if k not in target]
    shapes = [
        f"{k} (file {tuple(tensors[k].shape)}, network {tuple(target[k].shape)})"
        for k in target
        if k in tensors and tensors[k].shape != target[k].shape
    ]
    parts = [
        f"{len(items)} {what}: {', '.join(items[:SHOWN])}{', …' if len(items) > SHOWN else ''}"
        for what, items in (
            ("tensors only in the file", surplus),
            ("only in the network", missing),
            ("of different shape", shapes),
        )
        if items
    ]
    return (
        f"checkpoint '{path}' ({len(tensors)} tensors) does not fit the network "
        f"({len(target)} tensors): {'; '.join(parts)}. "
        "Name the architecture that the file was saved from"
    )
