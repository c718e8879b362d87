"""Can the images be read, and what is done to them before the model sees them?"""

from __future__ import annotations

from math import floor

from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.report import Finding, Verdict
from roadworthy.pipeline.base import Pipeline

SHOWN = 3
SHORTER_SIDE = ("crop", "floor_crop", "rounded_crop")
"""Geometries that resize the shorter side and keep the centre."""


def images(evidence: Evidence) -> Finding:
    """Count the images that can be read, and name the first that cannot."""
    bad, asked = len(evidence.unreadable), evidence.asked
    total = len(evidence.dataset.samples)
    of = f"{asked - bad} of {asked} images read" + (f", of {total} there are" * (total > asked))
    if not bad:
        return Finding("images", "ok", of)
    listed = "; ".join(evidence.unreadable[:SHOWN])
    more = f"; and {bad - SHOWN} more" if bad > SHOWN else ""
    verdict: Verdict = "failed" if 2 * bad > asked else "warning"
    remedy = "copy these files again or leave them out; a run records each as one failed sample"
    return Finding("images", verdict, f"{of}; {listed}{more}", remedy)


def pipeline(evidence: Evidence) -> Finding:
    """Say in words how a file becomes a frame; warn where images of all sizes are left as they are."""
    recipe, words = evidence.model.pipeline, in_words(evidence.model.pipeline)
    if recipe.size is None and evidence.varied:
        height, width = evidence.frames.shape[1:3]
        return Finding(
            "pipeline",
            "warning",
            f"{words}; {evidence.varied} of {evidence.asked} images are not {width}x{height} as the "
            "first is, and were left out",
            "give the model the frame it was made for, such as size=224",
        )
    return Finding("pipeline", "ok", words)


def in_words(recipe: Pipeline) -> str:
    """Return a pipeline as a phrase, in the order in which its stages act."""
    turned = "turned by EXIF" if recipe.orient == "exif" else "EXIF orientation ignored"
    parts = [f"decoded by {recipe.decoder}, {turned}"]
    if recipe.profile != "ignore":
        parts.append(f"colour profile {recipe.profile}")
    if recipe.yuv != "none":
        parts.append(f"through {recipe.yuv}")
    if recipe.light != "encoded":
        parts.append(f"resized in {recipe.light} light")
    if recipe.size is None:
        parts.append("each image in its own size")
    else:
        height, width = recipe.size
        parts.append(_fitted(recipe, recipe.size))
        if recipe.geometry in SHORTER_SIDE or (recipe.geometry == "squash" and recipe.resize_to):
            parts.append(f"centre {width}x{height}")
    if recipe.colour != "rgb":
        parts.append(f"colour {recipe.colour}")
    return ", ".join(parts)


def _fitted(recipe: Pipeline, size: tuple[int, int]) -> str:
    if recipe.geometry == "squash":
        side = recipe.resize_to
        height, width = (side, side) if side else size
        return f"squashed to {width}x{height} ({recipe.resize})"
    if recipe.geometry not in SHORTER_SIDE:
        height, width = size
        return f"{recipe.geometry} to {width}x{height} ({recipe.resize})"
    side = recipe.resize_to or floor(min(size) / recipe.crop)
    return f"shorter side to {side} ({recipe.resize})"
