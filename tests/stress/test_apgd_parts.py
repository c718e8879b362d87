from __future__ import annotations

import torch

from roadworthy.stress._attacks.apgd_ascent import Ascent
from roadworthy.stress._attacks.apgd_rules import RULES
from roadworthy.stress.ball import Ball


def test_the_latest_success_goes_before_the_best() -> None:
    points = [torch.full((2, 1, 1, 1), float(i)) for i in range(3)]
    loss, yes = torch.tensor([1.0, 1.0]), torch.tensor([True, False])
    ascent = Ascent.begin(points[0], loss, points[0], ~yes & yes)
    ascent = ascent.after(points[1], 3 * loss, points[1], yes)
    ascent = ascent.after(points[2], 2 * loss, points[2], yes)
    assert ascent.answer.flatten().tolist() == [2.0, 1.0]
    assert ascent.rises.tolist() == [1, 1]


def test_three_rises_in_four_are_too_few_and_the_first_checkpoint_ignores_the_best() -> None:
    x = torch.full((2, 1, 1, 1), 0.5)
    ball, loss, no = Ball("Linf", torch.ones(2)), -torch.ones(2), torch.zeros(2, dtype=torch.bool)
    ascent = Ascent.begin(x, loss, x, no)
    ascent.rises[:] = torch.tensor([3, 4])
    _, back = RULES["Linf"].begin(x, x, ball, True).adapt(ascent, x, ball, window=4, share=0.75)
    assert back.tolist() == [True, False]
