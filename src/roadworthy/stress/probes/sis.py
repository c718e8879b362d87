"""Sufficient input subsets: the few pixels that a model needs to be as sure as it is."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from roadworthy.spec import Spec
from roadworthy.stress._subsets.back_select import Patience, back_select
from roadworthy.stress._subsets.collection import members
from roadworthy.stress._subsets.confidence import OfClass
from roadworthy.stress._subsets.cuts import cuts, removal_of
from roadworthy.stress._subsets.settings import (
    check,
    grid,
    needs,
    nothing,
    passes,
    schedule_of,
    shown,
    unfit,
    unshown,
    wants,
)
from roadworthy.stress.masks import MaskSpec, MaskSpecs
from roadworthy.stress.ranking import Arrays, Ranking, Work, ranking

Control = Literal["random_subset", "mask_only", "dilated", "baselines", "random_class"]
EVERY_CONTROL: tuple[Control, ...] = (
    "random_subset",
    "mask_only",
    "dilated",
    "baselines",
    "random_class",
)
BASELINES = tuple(map(Spec, ("mean", "zero", "blur", "noise", "another", "inpaint")))


@ranking(
    Ranking(wants, cuts, needs, grid, unfit, unshown, passes, shown, nothing),
    level="threshold",
    check=check,
    paper="Carter et al., NeurIPS 2021",
)
def sis(
    work: Work,
    *,
    threshold: float = 0.9,
    k: int | Literal["auto"] = "auto",
    schedule: Literal["constant", "geometric"] = "constant",
    rate: float | None = None,
    decay: float | None = None,
    method: Literal["gradient", "exact"] = "gradient",
    exact_from: int = 0,
    mask: MaskSpec = BASELINES[0],
    fractions: tuple[float, ...] = (0.01, 0.05, 0.1, 0.3, 0.5),
    controls: tuple[Control, ...] = EVERY_CONTROL,
    baselines: MaskSpecs = BASELINES,
    draws: int = 20,
    deletion: int | Literal["auto"] = "auto",
    collection: int = 1,
    early_stop: int | None = None,
) -> Arrays:
    """Find the smallest end of an order of pixels that leaves the model ``threshold`` sure.

    Confidence is the softmax probability of the class predicted on the whole image, throughout.
    Pixels go, all channels at once, in the order in which they cost the least of it: ``k`` at a time
    by its slope (Batched Gradient SIS; 1 on frames of up to 64x64, else 100), or with
    ``schedule=geometric`` the share ``rate`` of those left (0.05, or 0.2 of larger frames), by slopes
    that are averaged over steps with ``decay`` (0.9; 0 under constant); by trying each
    (``method=exact``, BackSelect), or when ``exact_from`` are left. What is gone looks as ``mask``
    says. The subset is what is left at the last step at which the threshold is reached. Images that do
    not reach it whole leave at once; where no pixel at all reaches it the result is invalid.
    ``deletion`` pixels at a time are tried once more in the subset (1 on small frames, else 100; 0 for
    none). ``fractions`` of the pixels are shown too, and ``controls``: ``draws`` random subsets of the
    same sizes, the mask alone, the subset and the pixels around it, the subset on other ``baselines``,
    and the subset for a random class. ``collection`` is up to how many disjoint subsets are looked for.
    ``early_stop`` ends an order after so many steps in a row below the threshold. Carter, Mueller, Jain
    & Gifford, AISTATS 2019; Carter, Jain, Mueller & Gifford, NeurIPS 2021; controls after Springer 2022
    and Jain et al. 2022.
    """
    del fractions, controls, mask, baselines, draws, deletion  # for what is shown, not for orders
    plan = schedule_of(
        {
            "method": method,
            "schedule": schedule,
            "k": k,
            "rate": rate,
            "decay": decay,
            "exact_from": exact_from,
        },
        work.shown.grid,
    )
    confidence, device = OfClass(work.shown, work.classes), work.classes.device
    if work.wanted == "collection":
        first = removal_of(work.earlier["order"])
        found = members(confidence, first, plan, threshold, collection, device=device)
        return {"member": found, **_spent(confidence)}
    everything = torch.ones(len(work.classes), *work.shown.grid, dtype=torch.bool, device=device)
    patience = None if early_stop is None else Patience(threshold, early_stop)
    removal = back_select(confidence, everything, plan, patience=patience)
    return {
        "order": removal.order,
        "confidence": removal.confidence.astype(np.float32),
        "baseline": removal.baseline.astype(np.float32),
        "partial": removal.partial,
        **_spent(confidence),
    }


def _spent(confidence: OfClass) -> Arrays:
    return {"forwards": confidence.forwards, "backwards": confidence.backwards}
