"""Forward passes: uint8 frames or float batches in, float32 logits out, on the model's device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import RoadworthyError
from roadworthy.types import Classifier, Image, Logits


def to_input(frames: Image, device: str) -> Any:
    """Return frames (N, H, W, 3) uint8 as a float tensor (N, 3, H, W) in [0, 1], channels last."""
    import torch

    batch = torch.from_numpy(frames).to(device).permute(0, 3, 1, 2)
    return batch.to(torch.float32).div_(255.0)


def forward(model: Classifier, x: Any, *, name: str) -> Logits:
    """Return the logits (N, classes) of a float batch; raises RoadworthyError if the model fails."""
    import torch

    try:
        with torch.inference_mode():
            logits = model.logits(x)
    except RoadworthyError:
        raise
    except Exception as error:
        raise RoadworthyError(
            f"model '{name}' failed on a batch of shape {tuple(x.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    array: Logits = logits.float().cpu().numpy()
    if array.ndim != 2 or array.shape != (len(x), model.classes.count or array.shape[1]):
        raise RoadworthyError(
            f"model '{name}' gave logits of shape {array.shape} for {len(x)} images; "
            f"expected ({len(x)}, {model.classes.count})"
        )
    return np.ascontiguousarray(array)


def finite(logits: Logits) -> NDArray[np.bool_]:
    """Return which samples have finite logits, (N,)."""
    return np.asarray(np.isfinite(logits).all(axis=1))
