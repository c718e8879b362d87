"""Are the weights whole, and the ones that the card means?"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.parts import networks
from roadworthy.models.check.report import Finding
from roadworthy.models.check.stored import zeroed
from roadworthy.models.classifier import TorchClassifier

SHOWN = 3
AGAIN = "download or save the checkpoint again, and make sure that it belongs to this network"


def weights(evidence: Evidence) -> Finding:
    """Look at every tensor: finite, no weight all zero, and the published ones where they are known."""
    found = networks(evidence.model)
    tensors = [item for network in found for item in floating(network)]
    broken = [name for name, tensor in tensors if not bool(torch.isfinite(tensor).all())]
    if broken:
        return Finding("weights", "failed", f"NaN or infinite values in {_listed(broken)}", AGAIN)
    zero = [name for name, tensor in tensors if is_weight(name, tensor) and not bool(tensor.any())]
    stored = [name for network in found for name in zeroed(network)]
    zero = [name for name in stored if stops(name)] or zero
    if zero:
        return Finding("weights", "failed", f"all values are zero in {_listed(zero)}", AGAIN)
    other = [network for network in found if _differs(network)]
    if other:
        return _foreign(other[0], stored)
    if stored:
        sentence = f"all values are zero in {_listed(stored)}: rare in a trained network"
        return Finding("weights", "warning", sentence, AGAIN)
    return _sound(found, tensors)


def floating(network: TorchClassifier) -> Iterator[tuple[str, Tensor]]:
    """Yield name and values of every parameter and buffer of floating-point type that has any."""
    module = network.module
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.is_floating_point() and tensor.numel():
            yield name, tensor


def is_weight(name: str, tensor: Tensor) -> bool:
    """Whether a tensor that is zero everywhere stops the signal: not so for biases and means."""
    return stops(name) or (isinstance(tensor, torch.nn.Parameter) and tensor.ndim >= 2)


def stops(name: str) -> bool:
    """Whether the name is that of a weight or of a variance."""
    leaf = name.rpartition(".")[2]
    return leaf == "running_var" or leaf.endswith("weight")


def _differs(network: TorchClassifier) -> bool:
    known = network.card.weights_digest if network.card else None
    return known is not None and known != network.weights_digest


def _foreign(network: TorchClassifier, zero: list[str]) -> Finding:
    known = network.card.weights_digest if network.card else ""
    return Finding(
        "weights",
        "failed",
        f"the weights are not the published ones of {network.spec}: their digest is "
        f"{network.weights_digest}, the card says {known}"
        + (f"; all values are zero in {_listed(zero)}" if zero else ""),
        f"{AGAIN}; weights of your own are loaded by timm/NAME(checkpoint=FILE)",
    )


def _sound(found: list[TorchClassifier], tensors: list[tuple[str, Tensor]]) -> Finding:
    count = sum(network.metadata.parameters or 0 for network in found)
    what = f"{count:,}".replace(",", " ") + f" parameters in {len(tensors)} tensors, all finite"
    untrained = [n for n in found if (n.metadata.training or "").startswith("untrained")]
    if untrained:
        remedy = "give checkpoint=FILE or pretrained=true"
        return Finding("weights", "warning", f"{what}, but random: nothing was loaded", remedy)
    known = any(network.card and network.card.weights_digest for network in found)
    return Finding("weights", "ok", what + ", as published" * known)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more tensors" if len(names) > SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + more
