"""A member of a list as a network."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.models import from_timm, from_torchvision
from roadworthy.models.base import Card, Network
from roadworthy.models.lists.base import Member, lists
from roadworthy.models.options import Options, with_options
from roadworthy.models.statistics import statistics
from roadworthy.types import Metadata


def network(owner: str, key: str, *, checkpoint: str | None = None) -> Network:
    """Return the member ``key`` of the list ``owner``, with published weights or those of a file.

    Images are read as the study read them. The card has the published accuracy only where the
    weights are said to be the study's own. Raises UsageError for a member that there is not, or
    that has no published weights and is given none.
    """
    chosen = lists()[owner]
    member = chosen.get(key)
    if member is None:
        known = [one.key for one in chosen.members]
        raise UsageError(
            f"{owner} has no member '{key}'{did_you_mean(key, known)} "
            f"(`roadworthy show @{owner}` lists all)"
        )
    if member.network is None or (checkpoint is None and not member.pretrained):
        raise UsageError(f"{owner}/{key}: {member.why}")
    made = _found(member.network, checkpoint)
    mean, std = made.mean, made.std
    if member.normalised is not None and checkpoint is not None:
        mean, std = statistics(member.normalised, member.normalised)
    return replace(
        made,
        name=f"{owner}/{key}",
        mean=mean,
        std=std,
        pipeline=with_options(made.pipeline, Options(**chosen.pipeline)),
        metadata=Metadata(
            family=member.family,
            training=member.training or member.group,
            pretraining="in21k" if member.group == "21k" else None,
        ),
        card=None if checkpoint is None or member.top1 is None else Card(top1=member.top1),
        notes=(*made.notes, *_difference(member, checkpoint)),
    )


def _found(text: str, checkpoint: str | None) -> Network:
    provider, _, name = text.partition("/")
    pretrained = checkpoint is None
    make = from_timm.network if provider == "timm" else from_torchvision.network
    return make(name, checkpoint=checkpoint, pretrained=pretrained)


def _difference(member: Member, checkpoint: str | None) -> tuple[str, ...]:
    if checkpoint is not None or not member.why:
        return ()
    return (f"stands in for {member.name}: {member.why}",)
