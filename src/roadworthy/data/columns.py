"""Parquet files as untrusted input: opened without a traceback, their columns told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import polars as pl

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean

_IMAGES = ("image", "img", "bytes", "png", "jpeg", "jpg", "webp", "image_bytes")
_LABELS = ("label", "labels", "cls", "fine_label", "class")

ResultT = TypeVar("ResultT")


def guarded(action: Callable[[], ResultT], what: str, kind: type[RoadworthyError]) -> ResultT:
    """Run a Polars action; whatever a damaged file makes it raise becomes one ``kind`` error."""
    try:
        return action()
    except (KeyboardInterrupt, SystemExit, RoadworthyError):
        raise
    except BaseException as error:
        # A panic inside Polars derives from BaseException
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise kind(f"{what}: cannot be read as Parquet: {reason}") from None


def scan(path: str) -> pl.LazyFrame:
    """Return the lazy table in one file; the path is taken as it is, wildcards included."""
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def features(path: str) -> Mapping[str, Any]:
    """Return the features that the Hugging Face key of the schema metadata declares, or nothing."""
    metadata = guarded(lambda: pl.read_parquet_metadata(path), path, UsageError)
    try:
        found = json.loads(metadata.get("huggingface", "{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def image_expression(dtype: pl.DataType, column: str) -> pl.Expr | None:
    """Return the expression for encoded bytes in a column of this type, or None."""
    if isinstance(dtype, pl.Struct):
        fields = {f.name: f.dtype for f in dtype.fields}
        if fields.get("bytes") == pl.Binary:
            return pl.col(column).struct.field("bytes").alias("bytes")
        return None
    return pl.col(column).alias("bytes") if dtype == pl.Binary else None


def choose_columns(path: str, image: str | None, label: str | None, spec: str) -> tuple[str, str]:
    """Return the names of the image and the label column; raises UsageError listing all."""
    schema = guarded(lambda: scan(path).collect_schema(), spec, UsageError)
    images = [image] if image is not None else [*_IMAGES]
    labels = [label] if label is not None else [*_LABELS]
    chosen_image = next(
        (c for c in images if c in schema and image_expression(schema[c], c) is not None), None
    )
    chosen_label = next((c for c in labels if c in schema), None)
    listed = ", ".join(f"{name} ({dtype})" for name, dtype in list(schema.items())[:12])
    if chosen_image is None:
        near = did_you_mean(image, schema) if image is not None and image not in schema else ""
        raise UsageError(
            f"{spec}: no column of encoded images{f' called {image!r}' if image else ''}{near}; "
            f"found {listed}; expected binary, or a struct with the binary field 'bytes'; "
            f"name it: parquet:FILE(image=COLUMN)"
        )
    if chosen_label is None:
        near = did_you_mean(label, schema) if label is not None else ""
        raise UsageError(
            f"{spec}: no label column{f' called {label!r}' if label else ''}{near}; "
            f"found {listed}; name it: parquet:FILE(label=COLUMN)"
        )
    return chosen_image, chosen_label
