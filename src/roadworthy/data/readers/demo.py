"""The twenty labelled ImageNet photographs inside the installed foolbox package."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.files import read_file
from roadworthy.data.remember import content_digests
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.types import Classes, Dataset, Sample

_PHOTO = re.compile(r"imagenet_[0-9]{2}_([0-9]{1,3})\.jpg")
_INSTALL = "install it with: pip install 'roadworthy[demo]'"


@dataset
def demo(path: str) -> Dataset:
    """Read ``demo/photos``: twenty photographs with their ImageNet labels (0..999).

    They are found inside the foolbox package, which is not imported. Raises UsageError where it
    is not installed.
    """
    if path != "photos":
        raise UsageError(
            f"no demo data are called '{path}'{did_you_mean(path, ['photos'])}; "
            f"expected demo/photos"
        )
    # Looking a top-level package up runs none of its code.
    package = importlib.util.find_spec("foolbox")
    folders = list(package.submodule_search_locations or []) if package else []
    if not folders:
        raise UsageError(f"demo/photos: the package foolbox is missing; {_INSTALL}")
    found = sorted(Path(folders[0], "data").glob("imagenet_*.jpg"))
    matches = [(file, match) for file in found if (match := _PHOTO.fullmatch(file.name))]
    if not matches:
        raise UsageError(
            f"demo/photos: the foolbox package at {folders[0]} holds no photographs; {_INSTALL}"
        )
    digests = content_digests([file for file, _ in matches])
    samples = [
        Sample(file.name, label := int(match[1]), content_of(digest, label), str(file))
        for (file, match), digest in zip(matches, digests, strict=True)
    ]
    return Images("demo/photos", Classes(count=1000), samples, read_file)
