"""The evaluation transform that a card of timm asks for."""

from __future__ import annotations

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.preflight.base import Subject, provider
from roadworthy.preflight.calling import subject_of


@provider
def timm(name: str) -> Subject:
    """Read as timm's network ``name`` wants it: ``timm/resnet50.a1_in1k``.

    That is what ``create_transform(**resolve_data_config(…))`` makes of its card; no network is made
    and nothing is downloaded. Raises UsageError for another name.
    """
    import timm as library
    from timm.data import create_transform, resolve_data_config

    if not library.is_model(name):
        near = did_you_mean(name.partition(".")[0], library.list_models())
        raise UsageError(f"timm has no network '{name}'{near}")
    card = library.get_pretrained_cfg(name)
    if card is None:
        raise UsageError(f"timm has no card for '{name}', which says how it reads images")
    transform = create_transform(**resolve_data_config({}, pretrained_cfg=card.to_dict()))
    return subject_of(transform, spec=f"timm/{name}")
