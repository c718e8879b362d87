"""A command line to call, a network in a user's file, and pictures for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.cli import main

NETWORK = '''
import torch
from torch import nn


class Colours(nn.Module):
    """Logits are the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(8.0))

    def forward(self, x):
        return self.scale * x.mean((2, 3))


def colours():
    return Colours()


def poisoned():
    net = Colours()
    net.scale.data.fill_(float("nan"))
    return net
'''


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs a command in this process."""

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        code = ended.value.code
        assert isinstance(code, int)
        return Outcome(code, written.out, written.err)

    return run


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with `nets.py` and twelve pictures in `pictures/{0,1,2}`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETWORK)
    rng = np.random.default_rng(0)
    for label in range(3):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(60, 160, (20, 24, 3))
            pixels[..., label] += 25
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path


MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
