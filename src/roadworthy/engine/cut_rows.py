"""One cut of ranked images, judged: records of those that have it, and why the others have not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.engine.forward import forward
from roadworthy.engine.judge import verdicts_of
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged
from roadworthy.engine.scene import Scene
from roadworthy.engine.taps import Batch
from roadworthy.engine.verdict import log_softmax
from roadworthy.stress.bound import Setting
from roadworthy.stress.ranking import Cut
from roadworthy.types import Classifier, Logits

Wholes = NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """Where cuts are judged: by the judge of ``cell``, on the images of ``scene``.

    The samples of the batch stand at ``order`` of the part; ``keys`` are those of what was made. The
    model that ranked was ``whole`` (N,) sure of the whole images, and to be at least ``least``.
    """

    cell: Cell
    scene: Scene
    order: Sequence[int]
    keys: Mapping[str, str]
    whole: NDArray[np.float64]
    least: float

    def judged(self, setting: Setting, cut: Cut) -> list[Judged]:
        """Return the records of a cut: what was judged, and what there is nothing of."""
        named = Setting(cut.named(setting.key), setting.arguments)
        if cut.mask is not None and cut.control == "baseline":
            missing = self.scene.covered(cut.mask)
            reasons = [why or missing.get(i, "") for i, why in enumerate(cut.reasons)]
            cut = replace(cut, reasons=reasons)
        there = np.array([not reason for reason in cut.reasons], bool)
        good = np.flatnonzero(there)
        found = []
        if len(good):
            found.append(self._rows(named, cut, good, self._shown(named, cut, good)))
        if len(good) < len(self.order):
            found.append(self._missing(named, cut, np.flatnonzero(~there)))
        return found

    def _shown(self, setting: Setting, cut: Cut, good: Wholes) -> dict[str, Any]:
        """Return the verdicts of the judge on the images ``good``, of those that are ranked."""
        part, classes = self._part(good), cut.classes[good]
        draws = cut.kept if cut.kept.ndim == 4 else cut.kept[None]
        answers = [self._logits(cut, kept[good], good) for kept in draws]
        each = [verdicts_of(self.cell, setting, part, logits) for logits in answers]
        for index, why in part.failures.items():
            self.scene.batch.failures[int(self.scene.rows[good[index]])] = why
        sure = np.mean([_probability(logits, classes) for logits in answers], axis=0)
        if cut.kept.ndim == 3:
            return {**each[0], "conf_target": sure}
        listed = {
            f"frames_{name}": np.stack([one[name] for one in each], 1).tolist()
            for name in ("pred", "conf", "correct")
        }
        return {**listed, "label": part.labels, "conf_target": sure}

    def _logits(self, cut: Cut, kept: NDArray[np.bool_], good: Wholes) -> Logits:
        x, model = self._view(cut, kept, good)
        return forward(model, x, name=self.cell.judge.spec)

    def _view(self, cut: Cut, kept: NDArray[np.bool_], good: Wholes) -> tuple[Tensor, Classifier]:
        """Return what the judge is shown, and the judge as it is shown that."""
        x = self.scene.x
        flags = torch.from_numpy(np.ascontiguousarray(kept)).to(x.device)
        if cut.mask is None:
            white = _enlarged(flags, (x.shape[2], x.shape[3]))[:, None].to(x.dtype)
            return white.expand(-1, x.shape[1], -1, -1), self.cell.classifier
        shown = self.scene.at(good).shown(cut.mask, self.cell.classifier)
        return shown.view(_enlarged(flags, shown.grid))

    def _rows(
        self, setting: Setting, cut: Cut, good: Wholes, verdicts: Mapping[str, Any]
    ) -> Judged:
        places = self.scene.rows[good]
        kept = cut.kept[0] if cut.kept.ndim == 4 else cut.kept
        sure = verdicts["conf_target"]
        columns = {
            **verdicts,
            **self._facts(cut, places),
            "status": ["ok"] * len(good),
            "reason": [None] * len(good),
            "target": cut.classes[good].astype(np.int32),
            "kept": kept[good].mean((1, 2)),
            "sufficient": None if cut.threshold is None else sure >= cut.threshold,
            "artifact": [self.keys[cut.source]] * len(good),
            **{name: [values[i] for i in good.tolist()] for name, values in cut.columns.items()},
        }
        return self._at(setting, columns, places)

    def _missing(self, setting: Setting, cut: Cut, bad: Wholes) -> Judged:
        """Return records of the images without the cut: ranked ones, and those that never were."""
        scene, count = self.scene, len(self.order)
        ranked = scene.rows[bad]
        never = np.setdiff1d(np.arange(count), scene.rows)
        flags = [list(cut.flags[i]) for i in bad.tolist()] if cut.flags else [[] for _ in bad]
        vain = [cut.in_vain[i] for i in bad.tolist()] if cut.in_vain else [False] * len(bad)
        vain += [False] * len(never)
        places = np.concatenate([ranked, never])
        columns = {
            **self._facts(cut, places),
            "label": scene.batch.labels[places],
            "status": ["ok" if v else "not_applicable" for v in vain],
            "sufficient": [False if v else None for v in vain],
            "reason": [cut.reasons[i] for i in bad.tolist()] + [self._unsure(i) for i in never],
            "flags": flags + [[] for _ in never],
            "artifact": [""] * len(places),
        }
        return self._at(setting, columns, places)

    def _unsure(self, place: int) -> str:
        sure = self.whole[place]
        return f"the model is {sure:.4g} sure of the whole image, below {self.least:g}"

    def _facts(self, cut: Cut, places: Wholes) -> dict[str, Any]:
        """Return what is the same of all images under the cut, and what is known of the files."""
        files = self.scene.batch.facts
        return {
            "control": cut.control,
            "threshold": cut.threshold,
            "fraction": cut.fraction,
            **{name: [values[i] for i in places.tolist()] for name, values in files.items()},
        }

    def _at(self, setting: Setting, columns: Mapping[str, Any], places: Wholes) -> Judged:
        samples = [self.scene.batch.samples[i] for i in places.tolist()]
        return Judged(setting, samples, columns, [self.order[i] for i in places.tolist()])

    def _part(self, good: Wholes) -> Batch:
        """Return the images ``good`` as a batch of their own."""
        batch, places = self.scene.batch, self.scene.rows[good].tolist()
        return Batch(
            samples=[batch.samples[i] for i in places],
            positions=[batch.positions[i] for i in places],
            labels=batch.labels[places],
            clean=batch.clean[places],
        )


def _enlarged(flags: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return which of the units of ``grid`` are kept, where that is said of larger ones."""
    if tuple(flags.shape[1:]) == grid:
        return flags
    plain = flags[:, None].to(torch.float32)
    return torch.nn.functional.interpolate(plain, size=grid, mode="nearest")[:, 0] > 0


def _probability(logits: Logits, classes: Wholes) -> NDArray[np.float64]:
    clean = np.where(np.isfinite(logits).all(1, keepdims=True), logits, np.float32(0))
    found: NDArray[np.float64] = np.exp(log_softmax(clean)[np.arange(len(classes)), classes])
    return found
