"""Three CIFAR-10 networks: what fools the smallest is shown to the others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from attack_world import attacked
from torch import Tensor

from roadworthy.models.load import load
from roadworthy.types import Classifier

SOURCE, JUDGES = "resnet20", ("resnet32", "resnet44")


@dataclass(frozen=True)
class Transfer:
    """Images that all networks know, and the share of them that adversarial ones fool, in percent."""

    source: Classifier
    judges: tuple[Classifier, ...]
    x: Tensor
    labels: Tensor

    def of(self, found: Tensor) -> float:
        """Return how many of the images ``found`` fool a judge, the mean over judges."""
        with torch.no_grad():
            fooled = [judge.logits(found).argmax(1) != self.labels for judge in self.judges]
        return 100 * float(torch.stack(fooled).double().mean())

    def by(self, spec: str) -> float:
        """Return the same of what the attack ``spec`` finds on the source."""
        return self.of(attacked(spec, self.source, self.x, self.labels).x)


def transfer(count: int) -> Transfer:
    """Load the networks and the images that they get right of the first ``count``."""
    from bench.attack_side import images
    from bench.pictures import NETS, SHARED

    def network(name: str) -> Classifier:
        weights = SHARED / "models" / f"cifar10_{name}.th"
        given = f"checkpoint={weights}, mean=imagenet, std=imagenet, size=32"
        return load(f"torch:{NETS}:{name}({given})")

    source, *judges = map(network, (SOURCE, *JUDGES))
    batch = images(count)
    with torch.no_grad():
        answers = [model.logits(batch.x).argmax(1) == batch.labels for model in (source, *judges)]
    right = torch.stack(answers).all(0)
    return Transfer(source, tuple(judges), batch.x[right], batch.labels[right])
