"""Named lists of models, versioned: one YAML file each, used as ``-m @survey18``."""

from __future__ import annotations

from roadworthy.models.lists.base import Member, ModelList, lists, member_of
from roadworthy.models.lists.expand import Skipped, expand

__all__ = ["Member", "ModelList", "Skipped", "expand", "lists", "member_of"]
