"""What is said when the classes of data and model do not fit: both sides, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from roadworthy.data.matching import By, normal
from roadworthy.errors import UsageError
from roadworthy.types import Classes, Dataset


def unknown_count(model_name: str) -> UsageError:
    """The model does not say how many classes it has."""
    return UsageError(
        f"{model_name} does not say how many classes it has; expected a class count, "
        f"without which labels cannot be related to its outputs"
    )


def different_counts(data: Dataset, size: int, model: Classes, model_name: str) -> UsageError:
    """The data declare, or evidently have, another number of classes than the model."""
    inferred = ""
    if data.classes.count is None:
        inferred = f" (its {len(data.samples)} labels run densely over 0..{size - 1})"
    return UsageError(
        f"{data.spec} has {size} classes{inferred}{_examples(data.classes)}, but {model_name} has "
        f"{model.count}{_examples(model)}, and no WordNet ids or names relate them; "
        f"expected a model and data with the same classes{_remedy(data, model)}"
    )


def unrelated(data: Dataset, model: Classes, model_name: str) -> UsageError:
    """As many classes on both sides, but not one of them has the same name."""
    return UsageError(
        f"{data.spec} and {model_name} both have {model.count} classes, but none in common: "
        f"data{_examples(data.classes)}, model{_examples(model)}; "
        f"expected the same classes{_remedy(data, model)}"
    )


def partial(
    data: Dataset,
    mine: Sequence[str],
    missing: Sequence[int],
    theirs: Sequence[str],
    by: By,
    model_name: str,
) -> UsageError:
    """Some classes of the data are in the model, others are not."""
    known = {normal(word): word for name in theirs for word in name.split(",") if word.strip()}
    listed = []
    for label in missing[:10]:
        near = (
            get_close_matches(normal(mine[label]), known, n=1, cutoff=0.6) if by == "name" else []
        )
        listed.append(
            f"'{mine[label]}'" + (f" (nearest: '{known[near[0]].strip()}')" if near else "")
        )
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    return UsageError(
        f"{data.spec}: {len(missing)} of its classes match no output of {model_name} by {by}: "
        f"{', '.join(listed)}{more}; expected every class with images to be one of the model's "
        f"{len(theirs)}; rename these classes as the model does, or leave their images out"
    )


def ambiguous(
    data: Dataset, name: str, outputs: Sequence[int], theirs: Sequence[str], model_name: str
) -> UsageError:
    """One name of the data is carried by several outputs."""
    listed = ", ".join(f"{output} '{theirs[output]}'" for output in outputs[:5])
    return UsageError(
        f"{data.spec}: the class '{name}' may be several outputs of {model_name}: {listed}; "
        f"expected a name only one of them has; use WordNet ids or the model's full name"
    )


def contradiction(
    data: Dataset, label: int, text: str, theirs: str, by: By, model_name: str
) -> UsageError:
    """An integer label says one class, the name beside it another."""
    kind = "WordNet id" if by == "wnid" else "name"
    return UsageError(
        f"{data.spec}: label {label} stands beside the {kind} '{text}', but class {label} of "
        f"{model_name} is '{theirs}'; expected labels that index the model's classes; "
        f"correct the labels, or match by the {kind}: csv:FILE(label=COLUMN)"
    )


def out_of_range(data: Dataset, used: Sequence[int], count: int, model_name: str) -> UsageError:
    """An integer label is no index into the model's classes."""
    wrong = next(label for label in used if label >= count)
    sample = next(sample for sample in data.samples if sample.label == wrong)
    hint = "choose a model with the classes of the data"
    if used[-1] == count and used[0] >= 1:
        hint = (
            f"the labels run from {used[0]} to {count}, so they count from 1, or belong to a "
            f"network with {count + 1} outputs of which the first is 'background'; subtract 1"
        )
    elif used[-1] == count:
        hint = (
            f"label {count} exists only in a network with {count + 1} outputs, such as one whose "
            f"first output is 'background'"
        )
    return UsageError(
        f"{data.spec}: label {wrong} of '{sample.id}' is outside the {count} classes of "
        f"{model_name}; expected 0..{count - 1}; {hint}"
    )


def _examples(classes: Classes) -> str:
    names = [name for name in classes.names or classes.wnids or () if name]
    if not names:
        return " (without names)"
    return f" ({', '.join(repr(name) for name in names[:3])}{', …' if len(names) > 3 else ''})"


def _remedy(data: Dataset, model: Classes) -> str:
    reader, colon, _ = data.spec.partition(":")
    plain = data.classes.names is None and data.classes.wnids is None
    countable = plain or data.classes.count is None or reader == "parquet"
    if colon and countable:
        return (
            f"; if the labels are indices into the model's {model.count} classes, say so: "
            f"{reader}:…(classes={model.count})"
        )
    if plain:
        return ""
    return "; or name the classes as the model does"
