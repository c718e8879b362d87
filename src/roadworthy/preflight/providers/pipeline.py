"""A pipeline of our own, by its stages: what a model's card says, or anything else of that kind."""

from __future__ import annotations

from roadworthy.errors import UsageError
from roadworthy.models.statistics import Word, statistics
from roadworthy.pipeline.base import Pipeline, run, validate
from roadworthy.preflight.base import Stats, Subject, provider


@provider
def pipeline(
    size: int | tuple[int, int] | None = None,
    *,
    decoder: str = "pillow",
    orient: str = "ignore",
    profile: str = "ignore",
    resize: str = "pillow-bilinear",
    geometry: str = "crop",
    crop: float = 0.875,
    resize_to: int | None = None,
    colour: str = "rgb",
    fill: tuple[int, int, int] | None = None,
    cmyk: str = "pillow",
    depth: str = "high_byte",
    alpha: str = "drop",
    yuv: str = "none",
    light: str = "encoded",
    mean: Stats | Word | None = None,
    std: Stats | Word | None = None,
) -> Subject:
    """Read files by the named stages: ``pipeline(size=224, resize=opencv-linear, colour=bgr)``.

    What is left out is as in `roadworthy.pipeline.base.Pipeline`, whose text this is. ``mean`` and
    ``std``, in units of [0, 1] or as a word (imagenet, half, none), are those of the model unless
    given. Raises UsageError for unknown names and impossible numbers.
    """
    given = dict(locals())
    if (given.pop("mean") is None) != (given.pop("std") is None):
        raise UsageError("pipeline: give mean and std together, or neither")
    given["size"] = (size, size) if isinstance(size, int) else size
    shift, scale = (None, None) if mean is None else statistics(mean, std)
    return subject_of_recipe(validate(Pipeline(**given)), mean=shift, std=scale)


def subject_of_recipe(
    recipe: Pipeline, *, mean: Stats | None = None, std: Stats | None = None, spec: str = ""
) -> Subject:
    """Return a pipeline of ours as a subject; without ``mean`` it leaves normalising to the model."""
    return Subject(
        spec=spec or str(recipe),
        give=lambda name, data: run(data, recipe, name=name),
        recipe=recipe,
        mean=mean,
        std=std,
        library=recipe.resize.partition("-")[0],
    )
