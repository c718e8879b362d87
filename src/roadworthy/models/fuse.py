"""Let a convolution add its shortcut and apply its activation, where that changes nothing."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from roadworthy.models import chunks
from roadworthy.models.classifier import outputs
from roadworthy.models.fold import agree, fixed_batch, is_plain_convolution
from roadworthy.models.fused import Clamp, FusedConvolution
from roadworthy.models.slices import lay_out_slices, sliced

GRADIENT_TOLERANCE = 1e-2
"""Largest difference of the input gradient, relative to its length, that counts as rounding.

A unit within rounding of a kink may fall on its other side; a gradient that a network stops
somewhere, or that tracing has lost, differs by its whole length.
"""

SMALL = 1 << 32
"""Parameters of a network times pixels of its frame up to which its passes are short."""

RELU: Clamp = (0.0, float("inf"))
RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, "relu", "relu_")
ADDS = (operator.add, operator.iadd, torch.add, "add", "add_")
PASSED = (nn.Identity, nn.Dropout)


def fused(module: nn.Module, size: tuple[int, int]) -> nn.Module:
    """Return ``module`` (in eval mode, frozen) with sums and activations fused, or ``module`` itself.

    A convolution whose result goes into a sum, into a ReLU or ReLU6, or into both, computes them
    itself, which saves passes over memory forwards and backwards. The network is traced; one that
    cannot be, that has hooks, or that no longer gives the same logits and input gradients on a
    fixed random batch of frames of ``size``, stays as it is.
    """
    if next(module.parameters(), torch.zeros(())).device.type != "cpu" or _hooked(module):
        return module
    try:
        x = fixed_batch(module, size)
        candidate = _traced(module, x)
        if candidate is None:
            return module
        wanted, again = _answers(module, x), _answers(module, x)
        # A trace would freeze what a network draws, however small: it has to repeat itself.
        if torch.equal(wanted[0], again[0]) and _same(wanted, _answers(candidate, x)):
            least = _least(candidate, x) if _alone(candidate, x, wanted[0]) else 0
            setattr(candidate, chunks.MARK, least)
            return candidate
    except Exception:  # an optimisation: whatever a foreign module does, the original stands
        return module
    return module


def _alone(module: nn.Module, x: Tensor, wanted: Tensor) -> bool:
    """Whether the logits of an image are the same whatever others are in its batch."""
    half = len(x) // 2
    with torch.no_grad():
        got = [outputs(module(part), "network") for part in (x[:half], x[half:])]
    return agree(wanted, torch.cat(got))


def _least(module: nn.Module, x: Tensor) -> int:
    """Return how many images like those of ``x`` a chunk for ``module`` has to have.

    Neither logits nor gradients of an image may get other bits in a chunk than in the whole batch,
    or what a run finds would depend on the number of its threads. Where passes are long, smaller
    chunks would gain little and this is not looked up.
    """
    least, before = chunks.LEAST, torch.get_num_threads()
    if sum(part.numel() for part in module.parameters()) * x[0, 0].numel() > SMALL:
        return least
    many = x.repeat(-(-2 * least // len(x)), 1, 1, 1)
    torch.set_num_threads(1)
    try:
        whole = _answers(module, many)
        same = all(
            torch.equal(part, all_of_them[:count])
            for count in range(chunks.FEWEST, least)
            for part, all_of_them in zip(_answers(module, many[:count]), whole, strict=True)
        )
    finally:
        torch.set_num_threads(before)
    return chunks.FEWEST if same else least


class _Tracer(fx.Tracer):
    """Follows a network down to the layers of torch and convolutions of timm."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether ``m`` is called as one step."""
        return is_plain_convolution(m) or super().is_leaf_module(m, module_qualified_name)


def _hooked(module: nn.Module) -> bool:
    return any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def _traced(module: nn.Module, x: Tensor) -> fx.GraphModule | None:
    graph = _Tracer().trace(module)
    made = fx.GraphModule(module, graph)
    _drop_empty_padding(graph)
    lay_out_slices(graph)
    shapes = _Shapes(made)
    shapes.run(x)
    if not sum(_fuse(made, node, shapes.found) for node in list(graph.nodes)):
        return None
    _let_overwrite(made)
    _keep_not_a_number(graph)
    graph.lint()
    made.recompile()
    return made


def _drop_empty_padding(graph: fx.Graph) -> None:
    """Take out padding by nothing, which torch copies the whole tensor for."""
    for node in graph.find_nodes(op="call_function", target=functional.pad):
        widths = node.args[1] if len(node.args) > 1 else node.kwargs.get("pad")
        if isinstance(widths, tuple | list) and all(type(w) is int and w == 0 for w in widths):
            node.replace_all_uses_with(cast(fx.Node, node.args[0]))
            graph.erase_node(node)


def _let_overwrite(made: fx.GraphModule) -> None:
    """Let convolutions overwrite the gradient of their result where all that take it make their own.

    A sum, say, hands one and the same gradient to both of its parts.
    """
    for node in made.graph.nodes:
        part = _part(made, node)
        if isinstance(part, FusedConvolution):
            part.overwrites = all(_makes_gradient(made, user) for user in node.users)


def _makes_gradient(made: fx.GraphModule, node: fx.Node) -> bool:
    return node.target is sliced or isinstance(_part(made, node), FusedConvolution)


def _keep_not_a_number(graph: fx.Graph) -> None:
    """Make the logits of an image that is not finite NaN, which a fused ReLU would turn into 0."""
    (image,), (output,) = graph.find_nodes(op="placeholder"), graph.find_nodes(op="output")
    (logits,) = output.args
    with graph.inserting_before(output):
        output.args = (graph.call_function(spoilt_like, (logits, image)),)


def spoilt_like(logits: Tensor, x: Tensor) -> Tensor:
    """Return ``logits`` (N, classes), with NaN in the rows whose image has a NaN or infinity."""
    # One pass over the pixels. In half precision their sum, though finite, could be too large.
    wide = torch.promote_types(x.dtype, torch.float32)
    spoilt = x.detach().sum(tuple(range(1, x.ndim)), dtype=wide) * 0.0
    return logits + spoilt.to(logits.dtype).unsqueeze(1)


class _Shapes(fx.Interpreter):
    """Runs a graph and notes the shape of every tensor in it."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.found: dict[fx.Node, torch.Size] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Return what the node gives."""
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n] = result.shape
        return result


def _fuse(made: fx.GraphModule, node: fx.Node, shapes: dict[fx.Node, torch.Size]) -> bool:
    """Give the convolution at ``node`` the sum and the activation after it; False if it has none."""
    if node.op != "call_module":
        return False
    convolution = made.get_submodule(str(node.target))
    calls = sum(n.op == "call_module" and n.target == node.target for n in made.graph.nodes)
    if not _fusable(convolution) or calls > 1:
        return False
    last, other, clamp = node, None, None
    for step in _alone_after(node):
        if clamp is None and (limits := _clamp(made, step)) is not None:
            last, clamp = step, limits
        elif clamp is None and other is None and (addend := _addend(step, last, shapes)):
            last, other = step, addend
        elif _passes(made, step):
            last = step
        else:
            break
    if other is None and clamp is None:
        return False
    made.set_submodule(str(node.target), FusedConvolution(cast(nn.Conv2d, convolution), clamp))
    with made.graph.inserting_after(last):
        made_of = (*node.args, *(() if other is None else (other,)))
        new = made.graph.call_module(str(node.target), made_of)
    shapes[new] = shapes[last]
    last.replace_all_uses_with(new)
    while last is not node:
        before = next(n for n in last.all_input_nodes if n is not other)
        made.graph.erase_node(last)
        last = before
    made.graph.erase_node(node)
    return True


def _fusable(part: nn.Module) -> bool:
    return (
        isinstance(part, nn.Conv2d)
        and is_plain_convolution(part)
        and part.padding_mode == "zeros"
        and not isinstance(part.padding, str)
    )


def _alone_after(node: fx.Node) -> Iterator[fx.Node]:
    """Yield what follows ``node`` as long as each step's result is used once only."""
    while len(node.users) == 1 and node.op != "output":
        (node,) = node.users
        yield node


def _part(made: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return made.get_submodule(str(node.target)) if node.op == "call_module" else None


def _passes(made: fx.GraphModule, node: fx.Node) -> bool:
    part = _part(made, node)
    return type(part) in PASSED and not cast(nn.Module, part).training


def _clamp(made: fx.GraphModule, node: fx.Node) -> Clamp | None:
    """Return the limits that ``node`` clamps to, or None."""
    part = _part(made, node)
    if type(part) is nn.ReLU:
        return RELU
    if isinstance(part, nn.Hardtanh) and type(part) in (nn.ReLU6, nn.Hardtanh):
        return part.min_val, part.max_val
    if node.op in ("call_function", "call_method") and len(node.args) == 1:
        if node.target in RELUS:
            return RELU
        if node.target is functional.relu6:
            return 0.0, 6.0
    return None


def _addend(node: fx.Node, last: fx.Node, shapes: dict[fx.Node, torch.Size]) -> fx.Node | None:
    """Return what ``node`` adds to ``last`` if it is another tensor of the same shape."""
    if node.op not in ("call_function", "call_method") or node.target not in ADDS or node.kwargs:
        return None
    others = [n for n in node.all_input_nodes if n is not last]
    same = len(node.args) == 2 and len(others) == 1 and shapes.get(others[0]) == shapes.get(last)
    return others[0] if same else None


def _answers(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits of ``module`` and the input gradient of a sum over them."""
    with torch.enable_grad():
        z = x.detach().clone().requires_grad_()
        logits = outputs(module(z.clone()), "network")
        weights = torch.linspace(-1.0, 1.0, logits.shape[1]).to(logits)
        (gradient,) = torch.autograd.grad((weights * logits).sum(), z)
    return logits.detach(), gradient


def _same(wanted: tuple[Tensor, Tensor], got: tuple[Tensor, Tensor]) -> bool:
    difference, length = (got[1] - wanted[1]).norm(), wanted[1].norm()
    return agree(wanted[0], got[0]) and bool(difference <= GRADIENT_TOLERANCE * length)
