"""The part of a picture that a model was shown, made again from the picture, its record and its order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.report.cells import entries, text_of
from roadworthy.report.rebuild import FAULTS, pipeline_of, seed_of
from roadworthy.report.view import View
from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.spec import Spec
    from roadworthy.stress.ranking import Cut

Flags = NDArray[np.bool_]

GREY = (128, 128, 128)
"""What stands for removed pixels where it is not known what did."""


@dataclass(frozen=True)
class Piece:
    """A picture, uint8 (H, W, 3), what is ``kept`` of it, (H, W), and that with what covers the rest.

    Any of them is None where it cannot be made, and ``why`` says so; ``why`` also says where a cover
    is not the one that the model saw.
    """

    whole: Image | None = None
    kept: Flags | None = None
    shown: Image | None = None
    why: str = ""


def piece_of(view: View, row: Mapping[str, Any]) -> Piece:
    """Return what a record of subsets was about; never raises for what is gone.

    Of random subsets it is the one that the record names as ``frame``, or the first that was drawn.
    """
    data = view.image(text_of(row, "data"), text_of(row, "sample"))
    if data is None:
        return Piece(why="the image is no longer where it was")
    whole = None
    try:
        from roadworthy.pipeline.base import run

        whole = run(data, pipeline_of(text_of(row, "pipeline")), name=text_of(row, "sample"))
        cut = cut_of(view, row)
        if cut is None:
            return Piece(whole, why="the order of its pixels is no longer kept")
        kept = _on_frame(cut.kept[-1, 0] if cut.kept.ndim == 4 else cut.kept[0], whole)
        return _covered(view, row, Piece(whole, kept), cut.mask)
    except FAULTS as error:
        return Piece(whole, why=f"cannot be made again: {error}")


def cut_of(view: View, row: Mapping[str, Any]) -> Cut | None:
    """Return what a record shows of the one image; None where its order is not kept.

    Raises LookupError for a record whose variant the stress does not have, such as what a deletion
    pass left, which only a model can tell.
    """
    from roadworthy.stress.bound import stress
    from roadworthy.stress.ranking import Ranked

    made = view.ranked(row)
    one, variant = stress(text_of(row, "stress")), text_of(row, "variant")
    if made is None or one.definition.ranking is None:
        return None
    draws = row.get("frame") or 1  # those up to the one that is meant
    # Controls of their own have an order of their own, and there is no other in the file.
    made = {"order": next(iter(made.values())), **made}
    targets = {name: np.array([int(row.get("target") or 0)]) for name in made}
    ranked = Ranked(made, targets, [text_of(row, "sample")], seed_of(view, row))
    with suppress(KeyError):
        for setting in one.settings:
            given = {**setting.arguments, "controls": _controls(variant), "draws": draws}
            for cut in one.definition.ranking.cuts(ranked, given, True):
                if cut.named(setting.key) == variant:
                    return cut
    raise LookupError(f"what {one.name} showed as '{variant}' is not kept")


def _controls(variant: str) -> tuple[str, ...]:
    """Return the controls that a stress must be asked for, to show a variant."""
    if "baseline=" in variant:
        return ("baselines",)
    found = re.search(r"control=(\w+)", variant)
    return (found[1],) if found else ()


def _on_frame(kept: Flags, whole: Image) -> Flags:
    """Return units of a grid as pixels of the picture."""
    height, width = whole.shape[:2]
    rows = np.arange(height) * kept.shape[0] // height
    columns = np.arange(width) * kept.shape[1] // width
    found: Flags = kept[rows][:, columns]
    return found


def _covered(view: View, row: Mapping[str, Any], piece: Piece, mask: Spec | None) -> Piece:
    """Return a piece with what covers the rest; white on black where nothing but the mask is shown."""
    whole, kept = piece.whole, piece.kept
    assert whole is not None
    assert kept is not None
    if mask is None:
        return replace(piece, shown=np.repeat(np.uint8(255) * kept[..., None], 3, axis=2))
    cover, why = _cover(view, row, piece, mask)
    return replace(piece, shown=np.where(kept[..., None], whole, cover), why=why)


def _cover(
    view: View, row: Mapping[str, Any], piece: Piece, mask: Spec
) -> tuple[NDArray[np.uint8], str]:
    from roadworthy.stress import masks

    mean, grey = mean_in(view, row), np.array(GREY, np.uint8)
    found = masks.one(mask)
    if found.definition.drops:
        return grey, "what is grey was not shown at all"
    if "context" in found.definition.takes and found.definition.name != "mean":
        return grey, f"grey stands for what the mask {mask} shows, which is not made again here"
    if found.definition.name == "mean" and mean is None:
        return grey, "grey stands for the mean colour of the model, which is not known"
    return _made(found, piece, mean or (0.0, 0.0, 0.0), row, seed_of(view, row)), ""


def _made(
    mask: Any, piece: Piece, mean: tuple[float, ...], row: Mapping[str, Any], seed: int
) -> NDArray[np.uint8]:
    """Have a mask cover a picture, as it does for a model."""
    import torch

    from roadworthy.engine.forward import to_input
    from roadworthy.stress.masks.base import MaskContext

    assert piece.whole is not None
    assert piece.kept is not None
    x = to_input(piece.whole[None], "cpu")
    context = MaskContext(torch.tensor(mean), lambda: x)
    shown = mask.shown(None, x, context, samples=[text_of(row, "sample")], seed=seed)
    image, _ = shown.view(torch.from_numpy(np.ascontiguousarray(piece.kept))[None])
    pixels: NDArray[np.uint8] = (image[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return pixels


def mean_in(view: View, row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the colour in [0, 1] that the normalisation of the model behind a record makes 0."""
    run = view.summary.get("run")
    for model in entries(run, "models"):
        mean = model.get("mean")
        if model.get("spec") == (row.get("source") or row.get("model")) and isinstance(mean, list):
            return tuple(float(value) for value in mean)
    return None
