"""The fingerprint of a model: what is in it and what is not."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tiny_networks import Means, Plain, seeded
from torch import nn

from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.fingerprint import fingerprint, weights_digest
from roadworthy.models.options import Options


def mark(network: Network) -> str:
    return fingerprint(network, weights_digest(network.module))


def plain() -> Network:
    return Network(name="t", module=seeded(Plain()), source="x = 1")


def test_one_bit_of_one_tensor_counts() -> None:
    network = plain()
    before = mark(network)
    for name, tensor in network.module.state_dict().items():
        kept = tensor.clone()
        tensor.flatten()[-1:].add_(1 if not tensor.is_floating_point() else 1e-6)
        if tensor.numel() and not torch.equal(kept, tensor):
            assert mark(network) != before, name
        tensor.copy_(kept)
    assert mark(network) == before


@pytest.mark.parametrize(
    "change", [{"mean": (0.5, 0.5, 0.5)}, {"std": (0.5, 0.5, 0.5)}, {"source": "x = 2"}]
)
def test_normalisation_and_source_count(change: dict[str, object]) -> None:
    assert mark(replace(plain(), **change)) != mark(plain())  # type: ignore[arg-type]


def test_structure_counts() -> None:
    a = Network(name="t", module=nn.Sequential(nn.Flatten(), nn.ReLU()))
    b = Network(name="t", module=nn.Sequential(nn.Flatten(), nn.GELU()))
    assert weights_digest(a.module) == weights_digest(b.module)
    assert mark(a) != mark(b)


def test_type_and_shape_count_in_the_digest_of_weights() -> None:
    zeros = [torch.zeros(4), torch.zeros(2, 2), torch.zeros(2, dtype=torch.float64)]
    digests = set()
    for tensor in zeros:
        module = nn.Module()
        module.register_buffer("b", tensor)
        digests.add(weights_digest(module))
    assert len(digests) == 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.complex64, torch.int8])
def test_any_type_of_tensor_can_be_digested(dtype: torch.dtype) -> None:
    module = nn.Module()
    module.register_buffer("b", torch.ones(3, dtype=dtype))
    module.register_buffer("empty", torch.ones(0, dtype=dtype))
    module.register_buffer("scalar", torch.ones((), dtype=dtype))
    before = weights_digest(module)
    module.get_buffer("b").zero_()
    assert weights_digest(module) != before


def test_addresses_in_the_printed_structure_do_not_count() -> None:
    class Holds(Means):
        def __init__(self) -> None:
            super().__init__()
            self.thing = functools.partial(print, object())

        def extra_repr(self) -> str:
            return repr(self.thing)

    first, second = Holds(), Holds()
    assert repr(first) != repr(second)
    assert mark(Network(name="t", module=first)) == mark(Network(name="t", module=second))


def test_neither_pipeline_nor_preparation_counts() -> None:
    ids = {
        build(replace(plain()), options=options).id
        for options in (Options(), Options(size=24), Options(resize="opencv-area", family="x"))
    }
    assert ids == {f"t@{mark(plain())}"}


def test_it_is_the_same_in_another_process() -> None:
    code = "from test_identity import mark, plain; print(mark(plain()))"
    env = {**os.environ, "PYTHONPATH": os.path.dirname(__file__), "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True
    )
    assert other.stdout.strip() == mark(plain())
