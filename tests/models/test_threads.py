"""One thread beside the model, all of them in it, and the caller's setting afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from boundary_world import Bare, draws

from roadworthy.models.counted import Counted
from roadworthy.models.threads import SHORT, all_threads, one_thread
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work, run

SMALL = torch.zeros(1)


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_a_small_batch_has_one_thread_and_models_have_all() -> None:
    with one_thread(SMALL):
        assert torch.get_num_threads() == 1
        with all_threads():
            assert torch.get_num_threads() == 3
        with all_threads(), all_threads():
            assert torch.get_num_threads() == 3
        with all_threads():
            with all_threads():
                pass
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 1
        with one_thread(SMALL):  # an attack within an attack
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_large_batches_keep_their_threads() -> None:
    for size, threads in ((SHORT, 1), (SHORT + 1, 3)):
        with one_thread(torch.empty(size)):
            assert torch.get_num_threads() == threads
    with all_threads():
        assert torch.get_num_threads() == 3


def test_errors_leave_no_setting_behind() -> None:
    with pytest.raises(ValueError, match="model"), one_thread(SMALL), all_threads():
        raise ValueError("model")
    assert torch.get_num_threads() == 3
    with all_threads():
        assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    "spec",
    [
        "boundary(queries=20)",
        "pgd(eps=0.1, steps=2, stop=success)",
        "apgd(eps=0.1, steps=2)",
        "deepfool(steps=2)",
        "fab_targeted(steps=2, targets=1)",
        "autoattack(eps=0.1)",
    ],
)
def test_attacks_leave_the_threads_to_the_passes_of_the_model(
    monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    seen: dict[str, set[int]] = {"model": set(), "attack": set(), "backward": set()}

    def logits(x: torch.Tensor) -> torch.Tensor:
        seen["model"].add(torch.get_num_threads())
        mean = x.mean((1, 2, 3))
        if mean.requires_grad:
            mean.register_hook(lambda _: seen["backward"].add(torch.get_num_threads()))  # type: ignore[no-untyped-call]
        return torch.stack([1 - mean, mean], 1)

    class Listening(Goal):
        def reached(self, logits: torch.Tensor) -> torch.Tensor:
            seen["attack"].add(torch.get_num_threads())
            return super().reached(logits)

        def at(self, rows: torch.Tensor) -> Goal:
            return Listening(*vars(super().at(rows)).values())

        def towards(self, targets: torch.Tensor) -> Goal:
            return Listening(*vars(super().towards(targets)).values())

        def repeated(self, times: int) -> Goal:
            return Listening(*vars(super().repeated(times)).values())

    x, one = torch.full((2, 3, 4, 4), 0.4), stress(spec)
    goal = Listening(torch.zeros(2, dtype=torch.long), None, logits(x))
    ball = Ball("Linf", torch.full((2,), 0.1))
    run(one, one.settings[0], Work(Counted(Bare(logits)), x, goal, ball), draws=lambda *_: draws(2))
    assert seen.pop("backward") == (set() if spec.startswith("boundary") else {3})
    assert seen == {"model": {3}, "attack": {1}}
    assert torch.get_num_threads() == 3
