from __future__ import annotations

from roadworthy.models.base import MODELS
from roadworthy.models.options import parameters
from roadworthy.models.user_code import OURS


def test_what_a_model_from_a_file_takes_is_named_in_full() -> None:
    declared = {parameter.name for parameter in parameters(MODELS.get("torch"))}
    assert set(OURS) == declared
