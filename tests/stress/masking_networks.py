"""Wrappers that hide what a gradient attack looks for, each in a way that a flag has to notice."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Maker = Callable[[nn.Module], nn.Module]


class Behind(nn.Module):
    """A network with something done to its input and to its outputs."""

    def __init__(
        self,
        network: nn.Module,
        *,
        before: Callable[[Tensor], Tensor] | None = None,
        after: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x if self.before is None else self.before(x))
        return out if self.after is None else self.after(out)


def scaled(network: nn.Module, factor: float = 1000.0) -> nn.Module:
    return Behind(network, after=lambda z: factor * z)


def softmax(network: nn.Module) -> nn.Module:
    return Behind(network, after=lambda z: z.softmax(dim=1))


def rounded(network: nn.Module) -> nn.Module:
    return Behind(network, before=lambda x: torch.round(x * 255) / 255)


def integers(network: nn.Module) -> nn.Module:
    return Behind(network, before=lambda x: (x * 255).to(torch.int16).to(x.dtype) / 255)


def stopped(network: nn.Module) -> nn.Module:
    return Behind(network, before=Tensor.detach)


def dropping(network: nn.Module) -> nn.Module:
    """Dropout that stays on, whatever the mode."""
    return Behind(network, before=lambda x: functional.dropout(x, 0.1, training=True))


def noisy(network: nn.Module, size: float = 0.01) -> nn.Module:
    """Outputs with noise that is small beside them."""
    return Behind(network, after=lambda z: z + size * torch.randn_like(z))


def misled(network: nn.Module) -> nn.Module:
    """Outputs whose gradient is a small part of something else."""
    return Behind(network, after=lambda z: z.detach() + 1e-6 * (z.flip(1) - z.flip(1).detach()))


def centred(network: nn.Module) -> nn.Module:
    """Normalises by the statistics of the batch, as batch norm in training mode does."""
    return Behind(network, before=lambda x: functional.batch_norm(x, None, None, training=True))


def rooted(network: nn.Module) -> nn.Module:
    """Takes a root whose slope at 0 is infinite."""
    return Behind(network, after=lambda z: z + torch.sqrt((z - z.detach()).square()))


class Purifying(nn.Module):
    """Moves its input by the gradient of a loss of its own before it classifies."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        # Models are also judged in inference mode, where nothing could be kept for a gradient.
        with torch.inference_mode(False), torch.enable_grad():
            z = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.network(z).logsumexp(1).sum(), z)
        out: Tensor = self.network(x + 0.001 * slope)
        return out


class WinnersTakeAll(nn.Module):
    """Keeps the largest activations of each image and zeroes the others: it jumps where they change."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        least = flat.topk(max(1, int(self.share * flat.shape[1])), dim=1).values[:, -1:]
        return torch.where(flat >= least, flat, torch.zeros_like(flat)).view_as(x)


def competing(network: nn.Module, share: float = 0.3) -> nn.Module:
    """Every ReLU, called as a function or as a module, becomes k-WTA."""
    return _Replacing(network, WinnersTakeAll(share))


class _Replacing(nn.Module):
    def __init__(self, network: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.network, self.activation = network, activation

    def forward(self, x: Tensor) -> Tensor:
        def instead(z: Tensor, *_: object, **__: object) -> Tensor:
            out: Tensor = self.activation(z)
            return out

        kept = functional.relu, torch.relu
        try:
            functional.relu, torch.relu = instead, instead  # type: ignore[assignment]
            out: Tensor = self.network(x)
        finally:
            functional.relu, torch.relu = kept
        return out
