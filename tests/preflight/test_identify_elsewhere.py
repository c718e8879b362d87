"""Pipelines of other libraries are named, part by part, and never by a wrong name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from elsewhere import pipelines
from elsewhere.base import Elsewhere
from elsewhere.outside import PIPELINES as OUTSIDE
from elsewhere.outside import Outside

from roadworthy.preflight.calling import subject_of
from roadworthy.preflight.component import UNKNOWN
from roadworthy.preflight.identify import identity_of
from roadworthy.preflight.identity import Identity

pytestmark = pytest.mark.filterwarnings("ignore")  # those of other people's code
ALL = pipelines()


@cache
def identified(name: str) -> Identity:
    return identity_of(subject_of(next(p for p in ALL if p.name == name).make(), spec=name))


def wrong(truth: Elsewhere) -> Iterator[str]:
    """Yield parts that have a name, and not the right one."""
    found = identified(truth.name)
    expected = {
        "size": ("x".join(map(str, truth.size)),),
        "colour": (truth.colour,),
        "orient": (truth.orient,),
        "profile": ("ignore",),
        "decoder": truth.decoder,
        "resize": truth.resize,
        "geometry": (truth.geometry,),
    }
    for part, names in expected.items():
        component = found[part]
        if component.known and not {component.name, *component.same} & set(names):
            yield f"{part}: {component.name}"
    if found.mean is not None and found.std is not None:
        mean, std = truth.normalisation
        off = np.abs(np.subtract(found.mean, mean)) / std
        if off.max() > 1e-3 or np.abs(np.divide(found.std, std) - 1).max() > 1e-3:
            yield f"normalisation: {found.mean} {found.std}"


@pytest.mark.parametrize("truth", ALL, ids=lambda t: t.name)
def test_no_name_is_wrong(truth: Elsewhere) -> None:
    assert list(wrong(truth)) == []


def test_nearly_all_are_named_in_full() -> None:
    unnamed = {p.name: [c.part for c in identified(p.name).unknown] for p in ALL}
    in_full = [name for name, parts in unnamed.items() if not parts]
    assert len(ALL) >= 40, "install .[all]: transformers and albumentations are missing"
    assert len(in_full) >= len(ALL) * 37 / 40, {n: p for n, p in unnamed.items() if p}


@pytest.mark.parametrize("outside", OUTSIDE, ids=lambda o: o.name)
def test_what_has_no_name_gets_none(outside: Outside) -> None:
    found = identity_of(subject_of(outside.make(), spec=outside.name))
    assert found[outside.part].name == UNKNOWN
    assert found[outside.part].evidence


def test_identifying_imports_no_library_of_others() -> None:
    code = (
        "import sys, io, numpy as np\n"
        "from PIL import Image\n"
        "from roadworthy import identify\n"
        "def pipeline(data):\n"
        "    image = Image.open(io.BytesIO(data)).convert('RGB')\n"
        "    return np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR))\n"
        "assert not identify(pipeline).unknown\n"
        "others = {'torch', 'torchvision', 'timm', 'transformers', 'albumentations', 'skimage'}\n"
        "assert not others & set(sys.modules), others & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
