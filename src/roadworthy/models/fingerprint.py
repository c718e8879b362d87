"""Digests of what a network is: its structure, its tensors, its normalisation, its source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from roadworthy.models.base import Network
from roadworthy.seed import digest

SIZE = 8
"""Bytes of a fingerprint: 16 hex digits, short enough to read in a table."""


def fingerprint(network: Network, weights: str) -> str:
    """Return a hex digest of a network before preparation; equal in every process.

    It covers the printed structure of the module, ``weights`` (from `weights_digest`), mean and
    standard deviation, and the source text of user code. The pipeline is no part of it.
    """
    # Some modules print functions with their address, which differs between processes.
    structure = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(network.module))
    return digest(structure, weights, network.mean, network.std, network.source, size=SIZE)


def weights_digest(module: nn.Module) -> str:
    """Return a hex digest over type, shape and bytes of all parameters and buffers, in their order.

    Names do not enter: the same weights under other names have the same digest.
    """
    hasher = hashlib.blake2b(digest_size=SIZE)
    for tensor in _tensors(module):
        plain = tensor.detach().cpu().contiguous()
        hasher.update(f"{plain.dtype} {tuple(plain.shape)};".encode())
        # Seen as bytes, since NumPy has no bfloat16.
        hasher.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return hasher.hexdigest()


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        yield from part.parameters(recurse=False)
        yield from part.buffers(recurse=False)
