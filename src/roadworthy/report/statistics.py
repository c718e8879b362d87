"""What can be measured of any image: brightness, sharpness, size. Measured once and remembered."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from roadworthy.report.thumbnail import FORMATS, MOST_BYTES, MOST_PIXELS

SIDE = 256
FOLDER = "page"
VERSION = 1
SCHEMA = pl.Schema(
    {
        "content": pl.String,
        "brightness": pl.Float64,
        "sharpness": pl.Float64,
        "megapixels": pl.Float64,
    }
)


def statistics(
    folder: Path | None, wanted: Sequence[tuple[str, str]], read: Callable[[str], bytes | None]
) -> pl.DataFrame:
    """Return content, brightness, sharpness and megapixels of the images that can be read.

    ``wanted`` are ids with their content; ``read`` returns the bytes of an id. What was measured is
    kept in ``folder``, where that can be written, and is not measured again.
    """
    path = None if folder is None else folder / FOLDER / f"images-{VERSION}.parquet"
    known = _known(path)
    have = set(known["content"])
    rows = []
    for sample, content in wanted:
        if content not in have:
            measured = measure(read(sample))
            if measured is not None:
                have.add(content)
                rows.append((content, *measured))
    if rows:
        known = pl.concat([known, pl.DataFrame(rows, SCHEMA, orient="row")])
        _keep(path, known)
    return known.filter(pl.col("content").is_in([content for _, content in wanted]))


def measure(data: bytes | None) -> tuple[float, float, float] | None:
    """Return mean luma (0 to 255), sharpness, and megapixels; None for what is no sane image.

    Sharpness is the standard deviation of the Laplacian of the luma, at most 256 pixels a side, so that
    large pictures do not pass for blurred ones.
    """
    from PIL import Image

    if not data or len(data) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                millions = image.width * image.height / 1e6
                image.draft("L", (SIDE, SIDE))
                small = image.convert("L")
                small.thumbnail((SIDE, SIDE))
    except Exception:  # decoders raise nearly anything on hostile bytes
        return None
    luma = np.asarray(small, np.float64)
    if min(luma.shape) < 3:
        return float(luma.mean()), 0.0, millions
    middle = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * middle
    return float(luma.mean()), float(laplacian.std()), millions


def _known(path: Path | None) -> pl.DataFrame:
    if path is not None:
        with contextlib.suppress(OSError, pl.exceptions.PolarsError):
            found = pl.read_parquet(path)
            if found.schema == SCHEMA:
                return found
    return SCHEMA.to_frame()


def _keep(path: Path | None, known: pl.DataFrame) -> None:
    if path is None:
        return
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with contextlib.suppress(OSError):  # a folder that may only be read is as good, only slower
        path.parent.mkdir(exist_ok=True)
        known.write_parquet(partial)
        os.replace(partial, path)
