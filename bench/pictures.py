"""Where the benchmark images are: beside the checkout, or the demonstration photographs repeated."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
IMAGENET = SHARED / "data" / "imagenet_sample" / "labels.csv"
CIFAR = SHARED / "data" / "cifar10_test.parquet"
NETS = Path(__file__).resolve().parents[1] / "tests" / "models" / "cifar_resnet.py"
LITE0 = "demo/efficientnet_lite0"


@dataclass(frozen=True)
class Pictures:
    """Photographs with ImageNet labels: a CSV file for us, a list of the same files for scripts."""

    table: str
    origin: str

    @property
    def spec(self) -> str:
        """The data spec."""
        return f"csv:{self.table}"

    def files(self) -> dict[str, str]:
        """Return the path of each image by the name that the table gives it."""
        with open(self.table, newline="", encoding="utf-8") as file:
            names = [row["file"] for row in csv.DictReader(file)]
        return {name: str(Path(self.table).parent / name) for name in names}


def imagenet(count: int) -> Pictures:
    """Return the first ``count`` photographs, or the demonstration ones as often as it takes."""
    folder = Path(tempfile.gettempdir()) / f"roadworthy-bench-{count}"
    folder.mkdir(exist_ok=True)
    if IMAGENET.exists():
        if count >= 300:
            return Pictures(str(IMAGENET), "300 ImageNet JPEGs")
        with IMAGENET.open(newline="", encoding="utf-8") as file:
            rows = [(str(IMAGENET.parent / r["file"]), r["label"]) for r in csv.DictReader(file)]
        return _written(folder, rows[:count], f"{count} ImageNet JPEGs")
    from roadworthy.data.registry import open_data

    photos = open_data("demo/photos")
    rows = []
    for number in range(count):
        sample = photos.samples[number % len(photos.samples)]
        path = folder / f"{number}.jpg"
        path.write_bytes(photos.read(sample))
        rows.append((str(path), str(sample.label)))
    return _written(folder, rows, f"{count} JPEGs: {len(photos.samples)} photographs repeated")


def _written(folder: Path, rows: list[tuple[str, str]], origin: str) -> Pictures:
    table = folder / "labels.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    return Pictures(str(table), origin)


def resnet20(*, adversarial: bool) -> str:
    """Return the spec of the CIFAR-10 ResNet-20 beside the checkout, plainly or robustly trained."""
    weights = (
        SHARED / "models" / ("cifar10_resnet20_at.pt" if adversarial else "cifar10_resnet20.th")
    )
    return f"torch:{NETS}:resnet20(checkpoint={weights}, mean=imagenet, std=imagenet, size=32)"


def missing_cifar() -> str:
    """Return why rows on CIFAR cannot run, or an empty text."""
    return "" if CIFAR.exists() else f"needs {CIFAR}"
