"""Contact sheets: what a stress does to one picture, severity by severity."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.errors import RoadworthyError, SampleError, UsageError

if TYPE_CHECKING:
    from roadworthy.stress.bound import Stress
    from roadworthy.types import Image

GAP, LABEL, FRAMES = 8, 20, 6


def sheet(text: str, out: Path, *, image: Path | None = None) -> Path:
    """Write a PNG with a picture under every variant of a stress, the clean one first.

    Of a sequence it shows six frames from first to last. The picture is the file ``image``, else a
    demo photograph, else a drawing; its frame is that of ImageNet, 224 x 224. Raises UsageError for
    a stress that makes no pictures, and RoadworthyError where the file cannot be written.
    """
    from roadworthy.engine.files import cannot_write
    from roadworthy.stress.bound import stress

    one = stress(text)
    data = _picture(image)
    name = image.name if image is not None else "demo"
    tiles = _frames(one, data, name) if one.definition.sequence else _variants(one, data, name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(_drawn(tiles))
    except OSError as error:
        raise cannot_write(out, error) from error
    return out


def _variants(one: Stress, data: bytes, name: str) -> list[tuple[str, Image]]:
    from roadworthy.pipeline.base import Pipeline, run
    from roadworthy.pipeline.published import published
    from roadworthy.stress.apply import corrupted
    from roadworthy.types import Tap

    if one.definition.tap is not Tap.IMAGE:
        raise UsageError(
            f"'{one.spec}' makes no picture of its own ({one.definition.tap.name}); contact sheets "
            f"show corruptions and sequences"
        )
    pipeline = published("imagenet", Pipeline(size=None))
    clean = run(data, pipeline, name=name)
    tiles = [("clean", clean)]
    for setting in one.settings:
        made = corrupted(one, setting, clean, sample=name, seed=0)
        tiles.append((setting.key or one.name, made))
    return tiles


def _frames(one: Stress, data: bytes, name: str) -> list[tuple[str, Image]]:
    from roadworthy.pipeline.base import Pipeline, decode, resized
    from roadworthy.pipeline.published import published
    from roadworthy.stress.apply import draws_for, sequence

    pipeline = published("imagenet", Pipeline(size=None))
    picture = resized(decode(data, pipeline, name=name), pipeline)
    setting, tables = one.settings[0], one.definition.tables
    assert tables is not None
    assert pipeline.size is not None
    arguments = tables.on(pipeline.size, setting.arguments).arguments
    draws = draws_for(one.definition, setting.key, sample=name, seed=0)
    made = list(sequence(one, arguments, picture, pipeline, sample=name, **draws))
    chosen = sorted({round(i * (len(made) - 1) / (FRAMES - 1)) for i in range(FRAMES)})
    return [(f"frame {number}", made[number]) for number in chosen]


def _picture(image: Path | None) -> bytes:
    from roadworthy.data.files import read_file
    from roadworthy.data.registry import open_data
    from roadworthy.types import Sample

    if image is not None:
        try:
            return read_file(Sample(str(image), 0, "", image))
        except SampleError as error:
            raise UsageError(str(error)) from None
    try:
        photos = open_data("demo/photos")
        return photos.read(photos.samples[0])
    except RoadworthyError:  # the demo package is not installed
        return _drawing()


def _drawing() -> bytes:
    """Return a PNG with a gradient, edges, fine lines and saturated colours."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    picture = Pillow.linear_gradient("L").convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 40, 140, 140), fill=(220, 60, 40))
    draw.rectangle((130, 120, 220, 220), fill=(40, 120, 200), outline="white")
    for x in range(20, 236, 6):
        draw.line((x, 225, x, 245), fill="black", width=2)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _drawn(tiles: list[tuple[str, Image]]) -> bytes:
    """Return a PNG of tiles side by side, six in a row, with labels under them."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    height, width = tiles[0][1].shape[:2]
    columns = min(len(tiles), 6)
    rows = -(-len(tiles) // columns)
    step_x, step_y = width + GAP, height + LABEL + GAP
    page = Pillow.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), "white")
    draw = ImageDraw.Draw(page)
    for number, (label, image) in enumerate(tiles):
        left, top = GAP + number % columns * step_x, GAP + number // columns * step_y
        page.paste(Pillow.fromarray(image), (left, top))
        middle = (left + width / 2, top + height + LABEL / 2)
        draw.text(middle, label, fill="black", anchor="mm")
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
