"""The readers on the real material beside the checkout."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from roadworthy.data.labels import relate
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.errors import UsageError
from roadworthy.types import Classes

pytestmark = pytest.mark.shared


@pytest.fixture(scope="session")
def imagenet(shared: Path) -> Classes:
    with (shared / "data/imagenet_classes.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["label"]))
    names, wnids = (tuple(row[key] for row in rows) for key in ("name", "synset"))
    return Classes(1000, names=names, wnids=wnids)


def test_the_imagenet_sample(shared: Path, imagenet: Classes) -> None:
    data = open_data(f"csv:{shared}/data/imagenet_sample/labels.csv")
    assert len(data.samples) == len({s.label for s in data.samples}) == 300
    assert len({s.content for s in data.samples}) == 300
    first = data.samples[0]
    assert (first.id, first.label) == ("images/n01498041_stingray.JPEG", 6)
    assert first.columns == {"synset": "n01498041", "name": "stingray"}
    assert Image.open(io.BytesIO(data.read(first))).format == "JPEG"
    for model in (Classes(1000), imagenet, Classes(1000, names=imagenet.names)):
        relation = relate(data, model)
        assert (relation.by, relation.subset, relation.target_of(6)) == ("index", None, 6)
    assert "confirmed for 300 classes by wnid" in relate(data, imagenet).description


def test_the_imagenet_sample_by_wordnet_id_and_by_name(
    shared: Path, imagenet: Classes, tmp_path: Path
) -> None:
    folder = shared / "data/imagenet_sample"
    with (folder / "labels.csv").open() as file:
        rows = [row for row in csv.reader(file) if row[3] != "maillot"]
    with (tmp_path / "labels.csv").open("w", newline="") as out:
        csv.writer(out).writerows([rows[0], *([f"{folder}/{r[0]}", *r[1:]] for r in rows[1:])])
    for column, by in (("synset", "wnid"), ("name", "name")):
        data = open_data(f"csv:{tmp_path}/labels.csv(label={column})")
        relation = relate(data, imagenet)
        assert relation.by == by
        assert [relation.target_of(s.label) for s in data.samples] == [int(r[1]) for r in rows[1:]]
        assert relation.subset is not None
        assert relation.subset.sum() == len(rows) - 1
    with pytest.raises(UsageError, match=r"'maillot' may be several outputs.*638.*639"):
        relate(open_data(f"csv:{folder}/labels.csv(label=name)"), imagenet)


def test_shifted_labels_are_found_out(shared: Path, imagenet: Classes, tmp_path: Path) -> None:
    folder = shared / "data/imagenet_sample"
    with (folder / "labels.csv").open() as file:
        rows = list(csv.reader(file))
    with (tmp_path / "labels.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(rows[0])
        table.writerows([f"{folder}/{f}", int(n) + 1, *rest] for f, n, *rest in rows[1:-1])
    data = open_data(f"csv:{tmp_path}/labels.csv")
    with pytest.raises(UsageError, match="label 7 stands beside the WordNet id 'n01498041'"):
        relate(data, imagenet)


def test_cifar(shared: Path, imagenet: Classes) -> None:
    data = open_data(f"parquet:{shared}/data/cifar10_test.parquet")
    assert len(data.samples) == 5000
    assert data.classes.names is not None
    assert data.classes.names[:2] == ("airplane", "automobile")
    assert Image.open(io.BytesIO(data.read(data.samples[4999]))).size == (32, 32)
    counts = Counter(s.label for s in order(data.samples, seed=0)[:500])
    whole = Counter(s.label for s in data.samples)
    assert all(abs(counts[c] - whole[c] / 10) < 2 for c in range(10))
    assert relate(data, Classes(10)).by == "index"
    with pytest.raises(UsageError, match="10 classes"):
        relate(data, imagenet)


def test_the_nips_images_have_targets(shared: Path, imagenet: Classes) -> None:
    data = open_data(f"csv:{shared}/data/nips17/labels.csv")
    assert len(data.samples) == 200
    assert (data.samples[0].label, data.samples[0].columns["target"]) == (559, 740)
    assert all(0 <= s.columns["target"] < 1000 for s in data.samples)
    assert relate(data, imagenet).by == "index"
