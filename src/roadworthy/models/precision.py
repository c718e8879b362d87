"""Run a model in another number format: for speed, or as a stress."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Literal

import torch

from roadworthy.errors import InapplicableError, UsageError, did_you_mean
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.networks import changed
from roadworthy.models.user_code import last_words
from roadworthy.types import Classifier

DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp64": torch.float64,
}


def in_precision(model: Classifier, precision: Literal["fp32", "bf16"]) -> Classifier:
    """Return ``model`` judging under bfloat16 autocast, or plainly in float32.

    Logits come back as float32 and the id is unchanged: it is the same model, judged faster and
    less exactly, and the engine marks every row with the precision. Raises UsageError on another
    word and RoadworthyError for a model that is not torch's.
    """
    if precision not in ("fp32", "bf16"):
        near = did_you_mean(str(precision), ("fp32", "bf16"))
        raise UsageError(f"precision is fp32 or bf16, not '{precision}'{near}")
    return changed(model, lambda m: _autocast(m, precision), f"precision {precision}")


def cast(model: Classifier, dtype: str) -> Classifier:
    """Return a copy of ``model`` whose parameters and normalised input are of ``dtype``.

    ``dtype`` is bf16, fp16, fp64 or fp32. Resizing and normalising stay in the input's format, and
    logits come back as float32 (float64 under fp64). The id names the format. Raises UsageError on
    another word and InapplicableError where this machine cannot compute in it.
    """
    if dtype not in DTYPES:
        near = did_you_mean(str(dtype), DTYPES)
        raise UsageError(f"dtype is one of {', '.join(DTYPES)}, not '{dtype}'{near}")
    return changed(model, lambda m: _cast(m, dtype), f"dtype {dtype}")


def _autocast(model: TorchClassifier, precision: str) -> TorchClassifier:
    if precision != "fp32":
        _check_open(model, precision)
    return replace(model, precision=precision)


def _check_open(model: TorchClassifier, precision: str) -> None:
    if model.sealed:
        raise InapplicableError(
            f"{model.id} is an exported program, which computes in the formats it was exported with, "
            f"not in {precision}"
        )


def _cast(model: TorchClassifier, dtype: str) -> TorchClassifier:
    _check_open(model, dtype)
    kind = DTYPES[dtype]
    made = replace(
        model,
        id=f"{model.id}+{dtype}",
        module=copy.deepcopy(model.module).to(kind),
        dtype=kind,
    )
    height, width = model.pipeline.size or (32, 32)
    device = next((p.device for p in made.module.parameters()), torch.device("cpu"))
    try:
        with torch.inference_mode():
            made.logits(torch.full((1, 3, height, width), 0.5, device=device))
    except Exception as error:  # torch names unsupported kernels in many ways
        raise InapplicableError(
            f"{model.id} cannot run in {dtype} on {device}: {last_words(error)}"
        ) from None
    return made
