"""Small data sets, and a reader of what was made that knows nothing of the package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

Pictures = dict[str, NDArray[np.uint8]]


def folder_of_images(root: Path, *, classes: int = 2, each: int = 2) -> Path:
    """Write ``n0000000k/i.png``: smooth pictures of 40 x 56 pixels with some texture."""
    rng = np.random.default_rng(5)
    for label in range(classes):
        folder = root / f"n0000000{label}"
        folder.mkdir(parents=True)
        for number in range(each):
            small = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
            picture = Pillow.fromarray(small).resize((56, 40), Pillow.Resampling.BICUBIC)
            picture.save(folder / f"{label}{number}.png")
    return root


def independent_reader(folder: Path) -> Pictures:
    """Check every file against the manifest and read its pixels, with the standard tools alone."""
    listed = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    pictures: Pictures = {}
    for entry in listed:
        data = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["size"]
        if entry["file"].endswith(".npy"):
            pictures[entry["file"]] = np.load(folder / entry["file"], allow_pickle=False)
        elif not entry["file"].endswith(".mp4"):
            with Pillow.open(folder / entry["file"]) as picture:
                pictures[entry["file"]] = np.asarray(picture.convert("RGB"))
    hidden = {"make.json", "manifest.jsonl", "failures.jsonl"}
    on_disk = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - hidden
    assert on_disk == {entry["file"] for entry in listed}
    return pictures


def bytes_of(folder: Path) -> dict[str, Any]:
    """Return every file of a folder by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
