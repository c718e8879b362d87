"""AutoAttack in roadworthy and in pyautoattack, on the same images of CIFAR-10."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.attack_side import EPS, Images, images, plain_network
from bench.pictures import resnet20
from bench.race import Work
from roadworthy.evaluation import use_cores
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.stress.apply import draws_for
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import Setting, Stress, stress
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work as Batch
from roadworthy.stress.play import run

PART = 64
"""Images at once, as the engine takes them."""


def ours(count: int, *, adversarial: bool, spec: str = "autoattack(eps=8/255)") -> Work:
    """Attack ``count`` images part by part as the engine does; the answer says which are robust."""
    use_cores()
    model, batch, one = load(resnet20(adversarial=adversarial)), images(count), stress(spec)

    def everything() -> Tensor:
        robust = torch.zeros(count, dtype=torch.bool)
        for start in range(0, count, PART):
            rows = torch.arange(start, min(start + PART, count))
            with torch.no_grad():
                logits = model.logits(batch.x[rows])
            right = logits.argmax(1) == batch.labels[rows]
            left, clean = rows[right], logits[right]
            counted, x = Counted(model), batch.x[left]
            budget = Ball("Linf", torch.full((len(left),), EPS))
            work = Batch(counted, x, Goal(batch.labels[left], clean=clean), budget)

            def draws(asked: Stress, under: Setting, left: Tensor = left) -> BatchDraws:
                names = [str(index) for index in left.tolist()]
                each = [draws_for(asked.definition, under.key, sample=n, seed=0) for n in names]
                return BatchDraws([d["rng"] for d in each])

            found = run(one, one.settings[0], work, draws=draws)
            with torch.no_grad():
                robust[left] = model.logits(found.x).argmax(1) == batch.labels[left]
        return robust

    return Work(everything, warm=lambda: None, answer=lambda robust: robust.tolist())


def pyautoattack(count: int, *, adversarial: bool) -> Work:
    """Attack the same images, all in one batch, as its documentation shows."""
    from pyautoattack import AutoAttack

    batch, net = images(count), plain_network(adversarial=adversarial)

    def run_all() -> Tensor:
        attack = AutoAttack(net, norm="Linf", eps=EPS, version="standard", device="cpu", seed=0)
        found = attack.run_standard_evaluation(batch.plain, batch.labels, batch_size=250)
        return found if isinstance(found, Tensor) else found[0]

    return Work(run_all, warm=lambda: None, answer=lambda found: _robust(net, found, batch))


@torch.no_grad()
def _robust(net: torch.nn.Module, found: Tensor, batch: Images) -> list[bool]:
    robust: list[bool] = (net(found).argmax(1) == batch.labels).tolist()
    return robust
