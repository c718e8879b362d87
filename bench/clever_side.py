"""CLEVER in roadworthy, and the forward and backward passes that nobody can save it."""

from __future__ import annotations

import numpy as np
import torch

from bench.attack_side import images
from bench.pictures import resnet20
from bench.race import Work
from roadworthy.evaluation import use_cores
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.seed import rng_for
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured
from roadworthy.stress.probes.clever import clever

TOGETHER = 256
"""Points in one bare pass: of 64, 128 and 256 the fastest."""


def ours(count: int, batches: int, draws: int, norm: str, targeted: bool) -> Work:
    """Run ``clever`` on a prepared ResNet-20 as the engine does, counting included."""
    use_cores()
    model, batch = load(resnet20(adversarial=False)), images(count)
    with torch.no_grad():
        goal = Goal(batch.labels, None, model.logits(batch.x))
    if targeted:
        goal = goal.towards(goal.ranked(1))

    def run() -> Measured:
        rng = BatchDraws([FastDraws(rng_for(0, "clever", 1, str(i), "")) for i in range(count)])
        found: Measured = clever.function(
            Counted(model),
            batch.x,
            goal,
            GEOMETRIES[norm],
            batches=batches,
            draws=draws,
            rng=rng,
        )
        return found

    return Work(run, answer=lambda found: float(np.median(found.columns["clever"])))


def bare(count: int, batches: int, draws: int, targeted: bool) -> Work:
    """Run as many forward and backward passes of the same model, at random points, in full batches."""
    use_cores()
    model = load(resnet20(adversarial=False))
    x = images(TOGETHER).x
    points = count * (batches + max(1, batches // 10)) * draws
    backwards = 1 if targeted else 9

    def run() -> None:
        for start in range(0, points, TOGETHER):
            z = x[: min(TOGETHER, points - start)].detach().requires_grad_()
            logits = model.logits(z)
            for each in range(backwards):
                lead = (logits[:, 9] - logits[:, each]).sum()
                torch.autograd.grad(lead, z, retain_graph=each + 1 < backwards)

    return Work(run)
