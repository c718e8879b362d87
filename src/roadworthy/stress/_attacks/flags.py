"""Warnings that an attack may raise about a model: what each means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "randomised": (
            "the model says something else about the same image when asked again: one lucky draw "
            "passes for a successful attack, and gradients are noisy; judge and attack it as "
            "eot(MODEL, n=20), which averages draws"
        ),
        "dynamic": (
            "the model runs a backward pass of its own while it classifies: an optimisation that "
            "the attack does not see through; attack the loop as a whole, or without gradients"
        ),
        "batch_dependent": (
            "what the model says of an image depends on the others of the batch: look for batch norm "
            "in training mode or statistics over the batch, for no result about it is one of an image"
        ),
        "few_classes": (
            "there are too few classes for a loss of the attack or for its targets: DLR needs three, "
            "targeted DLR four, and there is a target less than classes; the margin and the targets "
            "that there are were used instead"
        ),
        "probabilities": (
            "the outputs are probabilities, not logits: their gradients vanish where the model is "
            "sure, so attacks look weaker than they are; leave out the softmax or sigmoid at the end"
        ),
        "disconnected": (
            "no gradient gets from the outputs to the input: rounding to integers, detach or no_grad "
            "stands between; gradient attacks say nothing here: put bpda(…) around that part, or "
            "attack without gradients (square)"
        ),
        "nan_gradient": (
            "logits or gradients are not finite near some images, which gradient attacks then leave "
            "as they are; look for square roots, logarithms or divisions at 0"
        ),
        "zero_gradient": (
            "at some images the gradient is exactly zero, so that a gradient attack stands still; "
            "look for rounding, saturated activations or a scale of the logits, use loss=margin or "
            "bpda(…), and trust only attacks without gradients"
        ),
        "saturated": (
            "cross-entropy has no gradient left at some images although the logits have one: their "
            "scale is too large; attack with loss=margin or loss=dlr"
        ),
        "shattered": (
            "a tiny step changes the outputs otherwise than the gradient says: activations that jump "
            "(such as k-WTA), rounding, or a gradient that is not the model's own, as behind bpda(…); "
            "trust no gradient attack that attacks without gradients (square) or transferred images "
            "beat"
        ),
        "square_wins": (
            "Square, which uses no gradient, breaks images that all gradient attacks left: gradients "
            "are masked; give Square more queries, use bpda(…) or eot(…), and do not trust the others"
        ),
        "baseline_suffices": (
            "without any pixel of some images the model is as sure of their class as the threshold asks, "
            "so that these have no subset that would mean anything; give a higher threshold, or another "
            "mask"
        ),
        "poor_fits": (
            "for more than a tenth of the images the reverse Weibull distribution did not fit the "
            "largest slopes near them, so that CLEVER is the lead over the largest slope seen: too "
            "large a distance; take more batches and draws, or another radius"
        ),
        "missed_slopes": (
            "most images are steeper within half the radius than within all of it, which cannot be: "
            "nearly all random points are far out, so that CLEVER misses what is near and gives too "
            "large a distance; take a smaller radius, or sampling=ray"
        ),
    }
)
"""Every flag by name, in the order of reporting: what it means and what to do."""

SQUARE = "square"
SQUARE_POINTS = 0.2
"""Points of robust accuracy that Square may win last without a warning (Croce & Hein, ICML 2020)."""


def square_wins(broken_by: Sequence[str | None], images: int | None = None) -> bool:
    """Return whether Square lowers robust accuracy by more than 0.2 points below all the others.

    ``broken_by`` names for each attacked image the first attack that broke it, or None; it says
    what only Square could break where Square comes last. ``images`` is how many images robust
    accuracy is over, those included that were wrong when clean; as many as attacked if None.
    """
    total = len(broken_by) if images is None else images
    won = sum(name is not None and name.partition("(")[0] == SQUARE for name in broken_by)
    return 100 * won > SQUARE_POINTS * total
