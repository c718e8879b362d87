"""The transform that comes with weights of torchvision."""

from __future__ import annotations

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.preflight.base import Subject, provider
from roadworthy.preflight.calling import subject_of


@provider
def torchvision(name: str, *, weights: str | None = None) -> Subject:
    """Read as torchvision's network ``name`` wants it: ``torchvision/resnet50``.

    ``weights`` names a set of published ones (IMAGENET1K_V2), by default the first, those of the
    original recipe. No weights are loaded. Raises UsageError for another name.
    """
    import torchvision as library

    known = library.models.list_models(module=library.models)
    if name not in known:
        raise UsageError(f"torchvision has no classifier '{name}'{did_you_mean(name, known)}")
    sets = {w.name: w for w in library.models.get_model_weights(name)}
    if weights is not None and weights not in sets:
        near = did_you_mean(weights, sets)
        raise UsageError(f"{name} has no weights '{weights}'{near} (it has {', '.join(sets)})")
    chosen = sets[weights] if weights else next(iter(sets.values()))
    said = f"(weights={weights})" if weights else ""
    return subject_of(chosen.transforms(), spec=f"torchvision/{name}{said}")
