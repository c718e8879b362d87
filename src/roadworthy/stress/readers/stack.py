"""Several changes of one deployment at once: of how files are read, and of the network itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.pipeline.base import Pipeline
from roadworthy.spec import Spec
from roadworthy.stress.base import reader
from roadworthy.stress.composed import check_single, resolved
from roadworthy.types import Tap


def _check(arguments: Mapping[str, Any]) -> None:
    members = resolved(arguments["members"])
    for member in members:
        if member.members:
            raise UsageError(f"stack: '{member.name}' is made of others; name its members instead")
        if member.definition.tap not in (Tap.PIPELINE, Tap.MODEL):
            raise UsageError(
                f"stack: '{member.name}' changes neither how files are read nor the network (it acts "
                f"at the tap {member.definition.tap.name}); stack takes such changes alone"
            )
        check_single(member, whole="stack")
    name, count = Counter(member.name for member in members).most_common(1)[0]
    if count > 1:
        raise UsageError(f"stack: '{name}' is there {count} times, and only the last would count")


@reader(check=_check, composed=True, paper="Wang et al., SysNoise, MLSys 2023")
def stack(pipeline: Pipeline, members: tuple[Spec, ...]) -> Pipeline:
    """Change a deployment in several ways at once, in the order given.

    ``stack(decoder(decode=pyav), resizer(resize=opencv-nearest), precision(dtype=fp16))`` reads files
    as its members on the reading of files say, and judges with the network as those on the network
    change it. Each has one variant, and none is there twice; ``frame`` is given to ``stack`` as a
    whole. Raises UsageError for other members. Wang et al., SysNoise, MLSys 2023, call a stack of the
    worst option of each kind "combined".
    """
    for member in resolved(members):
        if member.definition.tap is Tap.PIPELINE:
            pipeline = member.definition.function(pipeline, **member.settings[0].arguments)
    return pipeline
