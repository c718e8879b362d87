"""AutoAttack in roadworthy and in pyautoattack, on the same images of CIFAR-10."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bench.attack_side import EPS, Images, images, plain_network
from bench.pictures import resnet20
from bench.race import Work
from roadworthy.engine.options import Precision
from roadworthy.evaluation import use_cores
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.models.precision import in_precision
from roadworthy.stress.apply import draws_of
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import Setting, Stress, stress
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work as Batch
from roadworthy.stress.play import run
from roadworthy.types import Classifier

PART = 128
"""Images at once, as the engine takes them."""


def ours(
    count: int,
    *,
    adversarial: bool,
    spec: str = "autoattack(eps=8/255)",
    precision: Precision = "fp32",
) -> Work:
    """Attack ``count`` images part by part as the engine does; the answer says which are robust.

    Under ``precision`` bf16 attacks search with the faster model; what they find is judged in float32.
    """
    use_cores()
    model, batch, one = load(resnet20(adversarial=adversarial)), images(count), stress(spec)

    def everything() -> Tensor:
        robust = torch.zeros(count, dtype=torch.bool)
        for start in range(0, count, PART):
            rows = torch.arange(start, min(start + PART, count))
            left, found, _ = _attacked(model, batch, one, rows, precision)
            with torch.no_grad():
                robust[left] = model.logits(found).argmax(1) == batch.labels[left]
        return robust

    return Work(everything, warm=lambda: None, answer=lambda robust: robust.tolist())


def alone(count: int, spec: str) -> Work:
    """Run one attack on ``count`` images of the robustly trained network, at once."""
    use_cores()
    model, batch, one = load(resnet20(adversarial=True)), images(count), stress(spec)
    return Work(lambda: _attacked(model, batch, one, torch.arange(count)))


def shares(count: int, spec: str) -> Work:
    """Attack ``count`` images that are right; part ``its model`` of a lap is the time of the model."""
    use_cores()
    model, one = load(resnet20(adversarial=True)), stress(spec)
    batch = _right(model, count)

    def run_all() -> tuple[float, float]:
        calls: list[_Call] = []
        _attacked(model, batch, one, torch.arange(count), calls=calls)
        return sum(call.wall for call in calls), sum(call.cpu for call in calls)

    return Work(run_all, parts=lambda spent: {"its model": spent})


def passes(count: int, spec: str) -> Work:
    """Run as many forward and backward passes of the same images as the attack counts, and no more."""
    use_cores()
    model, batch, one = load(resnet20(adversarial=True)), images(count), stress(spec)
    left, _, counted = _attacked(model, batch, one, torch.arange(count))
    x, labels = batch.x[left], batch.labels[left]
    backwards = round(int(counted.backwards.sum()) / len(left))
    forwards = round(int(counted.forwards.sum()) / len(left)) - backwards

    def run_all() -> None:
        with torch.no_grad():
            for _ in range(forwards):
                model.logits(x)
        for _ in range(backwards):
            z = x.detach().requires_grad_()
            loss = functional.cross_entropy(model.logits(z), labels, reduction="sum")
            torch.autograd.grad(loss, z)

    return Work(run_all)


def same_calls(count: int, spec: str, *, right: bool = False) -> Work:
    """Make the calls that the attack makes, of as many images each and with as many gradients; no more.

    It attacks those of ``count`` images that are ``right``, or ``count`` that are.
    """
    use_cores()
    model = load(resnet20(adversarial=True))
    batch = _right(model, count) if right else images(count)
    calls: list[_Call] = []
    left, _, _ = _attacked(model, batch, stress(spec), torch.arange(count), calls=calls)
    most = max(call.images for call in calls)
    times = -(-most // len(left))
    x, labels = batch.x[left].repeat(times, 1, 1, 1), batch.labels[left].repeat(times)

    def run_all() -> None:
        for call in calls:
            some = x[: call.images]
            if not call.gradients:
                with torch.no_grad():
                    model.logits(some)
                continue
            z = some.detach().requires_grad_()
            loss = functional.cross_entropy(model.logits(z), labels[: call.images], reduction="sum")
            for left_over in reversed(range(len(call.gradients))):
                torch.autograd.grad(loss, z, retain_graph=left_over > 0)

    return Work(run_all)


def _right(model: Classifier, count: int) -> Images:
    """Return the first ``count`` images that the model has right."""
    some = images(2 * count)
    with torch.no_grad():
        rows = (model.logits(some.x).argmax(1) == some.labels).nonzero().squeeze(1)[:count]
    assert len(rows) == count
    return Images(some.x[rows], some.labels[rows])


@dataclass(frozen=True)
class _Call:
    """One call of a model: about how many images, and the wall and processor seconds it took.

    ``gradients`` gets an entry for each that is taken through it.
    """

    images: int
    wall: float
    cpu: float
    gradients: list[None] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Noting:
    """A classifier that notes its calls."""

    model: Classifier
    calls: list[_Call]

    def logits(self, x: Tensor) -> Tensor:
        wall, cpu = time.perf_counter(), time.process_time()
        found: Tensor = self.model.logits(x)
        call = _Call(len(x), time.perf_counter() - wall, time.process_time() - cpu)
        self.calls.append(call)
        if found.requires_grad:
            found.register_hook(lambda _: call.gradients.append(None))  # type: ignore[no-untyped-call]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def _attacked(
    model: Classifier,
    batch: Images,
    one: Stress,
    rows: Tensor,
    precision: Precision = "fp32",
    calls: list[_Call] | None = None,
) -> tuple[Tensor, Tensor, Counted]:
    """Return which of ``rows`` were right, what the attack made of them, and what was counted.

    ``calls`` gets every call of the model.
    """
    searched = in_precision(model, precision)
    if calls is not None:
        model, searched = _Noting(model, calls), _Noting(searched, calls)
    with torch.no_grad():
        logits = model.logits(batch.x[rows])
    right = logits.argmax(1) == batch.labels[rows]
    left, counted = rows[right], Counted(model)
    norm = one.settings[0].arguments["norm"]
    goal = Goal(batch.labels[left], clean=logits[right])
    crafting = replace(counted, model=searched)
    ball = Ball(norm, torch.full((len(left),), EPS))
    work = Batch(crafting, batch.x[left], goal, ball, counted)

    def draws(asked: Stress, under: Setting) -> BatchDraws:
        names = [str(index) for index in left.tolist()]
        key = under.key
        return BatchDraws([draws_of(asked.definition, key, sample=n, seed=0) for n in names])

    return left, run(one, one.settings[0], work, draws=draws).x, counted


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
