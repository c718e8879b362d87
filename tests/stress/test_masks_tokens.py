"""Tokens left out of a transformer: against the network run on the tokens by hand."""

from __future__ import annotations

import gc
from typing import Any, cast
from weakref import ref

import pytest
import timm
import torch
from torch import Tensor
from torchvision.models import VisionTransformer

from roadworthy.engine.adapt import PadCrop
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.counted import Counted
from roadworthy.pipeline.base import Pipeline
from roadworthy.spec import parse
from roadworthy.stress.masks import _tokens, one
from roadworthy.stress.masks._tokens import tokens_of
from roadworthy.stress.masks.base import MaskContext, Shown

SETTINGS: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 2,
    "num_classes": 5,
}


def transformer(name: str = "vit_tiny_patch16_224") -> TorchClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = timm.create_model(name, **SETTINGS)
    return build(Network(name="vit", module=module, pipeline=Pipeline(size=(32, 32))))


def shown(model: Any, x: Tensor) -> Shown:
    context = MaskContext(torch.zeros(3), lambda: x)
    samples = [str(i) for i in range(len(x))]
    return one(parse("tokens")).shown(model, x, context, samples=samples)


def fits(model: Any) -> str:
    asked = one(parse("tokens")).definition.fits
    assert asked is not None
    return asked(model)


def pictures(count: int = 3) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def of_class(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None]).squeeze(1)


def by_hand(model: TorchClassifier, x: Tensor, kept: Tensor) -> Tensor:
    """Run the network block by block on the tokens of one image that are kept."""
    net = cast(Any, model.module)
    tokens = net._pos_embed(net.patch_embed(x))
    prefix = net.num_prefix_tokens
    chosen = torch.cat([tokens[:, :prefix], tokens[:, prefix:][:, kept.flatten()]], dim=1)
    chosen = net.norm_pre(chosen)
    for block in net.blocks:
        chosen = block(chosen)
    logits: Tensor = net.forward_head(net.norm(chosen))
    return logits


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_logits_are_those_of_the_tokens_that_are_kept(name: str) -> None:
    model, x = transformer(name), pictures()
    kept = torch.zeros(3, 4, 4, dtype=torch.bool)
    kept[0, 1:3], kept[1, :, 2], kept[2, 0, :3] = True, True, True  # 8, 4 and 3 tokens
    part = shown(model, x)
    assert part.grid == (4, 4)
    wanted = torch.cat([by_hand(model, x[i : i + 1], kept[i]) for i in range(3)]).detach()
    torch.testing.assert_close(part.logits(kept), wanted, rtol=1e-4, atol=1e-5)
    images, judge = part.view(kept)
    assert torch.equal(images, x)
    torch.testing.assert_close(judge.logits(images).detach(), wanted, rtol=1e-4, atol=1e-5)
    everything = torch.ones(3, 4, 4, dtype=torch.bool)
    torch.testing.assert_close(part.logits(everything), model.logits(x).detach())
    # the network itself has stayed as it was
    torch.testing.assert_close(model.logits(x).detach(), transformer(name).logits(x).detach())


def test_effects_are_the_slopes_of_fading_a_token_out() -> None:
    model, x = transformer(), pictures(1)
    kept = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(5)) > 0.3
    classes = torch.tensor([2])
    part = tokens_of(model, x)
    logits, effects = part.effects(kept, of_class, classes)
    torch.testing.assert_close(logits, part.logits(kept))
    step, slopes = 1e-2, []
    there = kept[0].nonzero().tolist()
    for row, column in there:
        gates = torch.ones(1, 16)
        gates[0, 4 * row + column] -= step
        with torch.no_grad():
            faded = part._logits(kept.flatten(1), gates)
        slopes.append(float(of_class(faded, classes) - of_class(logits, classes)) / step)
    found = [float(effects[0, row, column]) for row, column in there]
    assert found == pytest.approx(slopes, abs=0.1 * max(map(abs, slopes)))


def turning(pool: str = "avg") -> TorchClassifier:
    """Return a transformer that turns queries and keys by their positions (EVA-02)."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        module: Any = timm.create_model("eva02_tiny_patch14_224", global_pool=pool, **SETTINGS)
        torch.nn.init.normal_(module.head.weight)
        for block in module.blocks:  # so that it matters where a token is
            block.attn.qkv.weight.data.mul_(30)
            block.attn.proj.weight.data.mul_(30)
    return build(Network(name="eva", module=module, pipeline=Pipeline(size=(32, 32))))


@pytest.mark.parametrize("pool", ["avg", "token"])
def test_rotary_positions_go_with_their_tokens(pool: str) -> None:
    model, x = turning(pool), pictures(2)
    kept = torch.zeros(2, 4, 4, dtype=torch.bool)
    kept[0, 1:3], kept[1, :, 2] = True, True  # 8 and 4 tokens
    net, wanted = cast(Any, model.module), []
    for image, chosen in zip(x, kept.flatten(1), strict=True):
        tokens, rope = net._pos_embed(net.patch_embed(image[None]))
        tokens = torch.cat([tokens[:, :1], tokens[:, 1:][:, chosen]], dim=1)
        for block in net.blocks:
            tokens = block(tokens, rope=rope[chosen])
        wanted.append(net.forward_head(net.norm(tokens)))
    part = shown(model, x)
    torch.testing.assert_close(part.logits(kept), torch.cat(wanted), rtol=1e-4, atol=1e-5)
    _, effects = part.effects(kept, of_class, torch.tensor([2, 1]))
    assert (effects[kept] != 0).all()


def test_networks_that_pool_over_patches_find_all_classes_alike_without_any() -> None:
    kept = torch.zeros(2, 4, 4, dtype=torch.bool)
    kept[1, 0, 0] = True
    logits = shown(turning("avg"), pictures(2)).logits(kept)
    assert torch.equal(logits[0], torch.zeros(5))
    assert logits.isfinite().all()
    assert (shown(turning("token"), pictures(2)).logits(kept)[0] != 0).all()


def test_torchvision_has_its_place_inside_the_encoder() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = VisionTransformer(32, 8, 2, 2, 24, 48, num_classes=5)
        torch.nn.init.normal_(net.heads.head.weight)
    model: Any = build(Network(name="vit", module=net, pipeline=Pipeline(size=(32, 32))))
    x, kept = pictures(2), torch.zeros(2, 4, 4, dtype=torch.bool)
    kept[0, 1:3], kept[1, :, 2] = True, True
    whole, wanted = model.logits(x), []
    for image, chosen in zip(x, kept.flatten(1), strict=True):
        patches = model.module._process_input(image[None])
        tokens = torch.cat([net.class_token, patches], dim=1) + net.encoder.pos_embedding
        tokens = torch.cat([tokens[:, :1], tokens[:, 1:][:, chosen]], dim=1)
        wanted.append(net.heads(net.encoder.ln(net.encoder.layers(tokens))[:, 0]))
    part = shown(model, x)
    assert part.grid == (4, 4)
    torch.testing.assert_close(part.logits(kept), torch.cat(wanted), rtol=1e-4, atol=1e-5)
    assert torch.equal(model.logits(x), whole)  # the network itself has stayed as it was
    assert fits(model) == ""


def test_passes_are_counted_image_by_image() -> None:
    counted, x = Counted(transformer()), pictures()
    counted.logits(x)
    kept = torch.ones(3, 4, 4, dtype=torch.bool)
    kept[1, 0] = False
    shown(counted, x).logits(kept)
    assert counted.forwards.tolist() == [2, 2, 2]


def test_a_convolutional_network_is_refused_with_another_mask() -> None:
    net = timm.create_model("resnet10t", num_classes=5)
    plain = build(Network(name="r", module=net, pipeline=Pipeline(size=(32, 32))))
    assert "give another mask, such as mean" in fits(plain)
    assert fits(transformer()) == ""
    assert fits(turning()) == ""


def test_a_transformer_that_does_something_else_with_its_tokens_is_refused() -> None:
    class Deaf(timm.models.vision_transformer.VisionTransformer):  # type: ignore[misc]
        """Never comes to the place where tokens can be left out."""

        def forward_features(self, x: Tensor, *_: Any, **__: Any) -> Tensor:
            tokens: Tensor = self.norm(self.blocks(self._pos_embed(self.patch_embed(x))))
            return tokens

    net = build(Network(name="deaf", module=Deaf(**SETTINGS), pipeline=Pipeline(size=(32, 32))))
    assert "takes a vision transformer" in fits(net)
    assert "in its own frame" in fits(PadCrop(transformer(), (32, 32)))


def test_a_network_is_asked_once_and_not_kept_alive_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model, answers = transformer(), iter([True])
    monkeypatch.setattr(_tokens, "_transforms", lambda _: next(answers))
    assert fits(model) == fits(model) == ""
    alive = ref(model)
    del model
    gc.collect()
    assert alive() is None
