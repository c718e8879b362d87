"""What is shown of a ranking: the subsets themselves, and the controls that say what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.seed import rng_for
from roadworthy.spec import Spec, format_value
from roadworthy.stress._subsets.agreement import jaccard, rank_correlation
from roadworthy.stress._subsets.curve import curve
from roadworthy.stress._subsets.regions import border, centre, dilated, share_in
from roadworthy.stress._subsets.removal import Removal, Subsets, last, sufficient
from roadworthy.stress._subsets.settings import tried_together
from roadworthy.stress.masks import resolved
from roadworthy.stress.ranking import Arguments, Arrays, Cut, Flags, Ranked

INVALID = "baseline_suffices"


def cuts(ranked: Ranked, given: Arguments, shared: bool) -> Iterator[Cut]:
    """Yield the subset at the threshold, its controls, and the subsets of fixed sizes."""
    yield from _Cuts(ranked, given).at_threshold()
    if shared:
        yield from _Cuts(ranked, given).at_fractions()


def removal_of(arrays: Arrays) -> Removal:
    """Return an order as it is kept."""
    return Removal(arrays["order"], arrays["confidence"], arrays["baseline"], arrays["partial"])


@dataclass(frozen=True)
class _Cuts:
    ranked: Ranked
    given: Arguments

    @cached_property
    def removal(self) -> Removal:
        return removal_of(self.ranked.made["order"])

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        return self.ranked.classes["order"]

    @property
    def threshold(self) -> float:
        return float(self.given["threshold"])

    def at_threshold(self) -> Iterator[Cut]:
        found = sufficient(self.removal, self.threshold)
        base = self._cut("", found.kept, self._reasons(found), threshold=self.threshold)
        base = self._compared(base)
        flags = [[INVALID] if invalid else [] for invalid in found.invalid.tolist()]
        whole = replace(base, columns={**base.columns, **self._of_orders()}, flags=flags)
        minimal = self._minimal(found)
        if minimal is not None:
            share = minimal.mean((1, 2))
            whole = replace(whole, columns={**whole.columns, "minimal": _known(share, found.found)})
        yield whole
        if minimal is not None:
            yield self._control(base, "minimal", minimal)
        controls = self.given["controls"]
        if "random_subset" in controls:
            yield self._random(base)
        if "mask_only" in controls:
            yield replace(self._control(base, "mask_only", found.kept), mask=None)
        if "dilated" in controls:
            yield self._control(base, "dilated", dilated(found.kept))
        others = resolved(self.given["baselines"]) if "baselines" in controls else ()
        for mask in others:
            if mask.spec != self.given["mask"]:
                yield self._control(base, "baseline", found.kept, mask.spec)
        if "random_class" in controls:
            yield self._random_class()
        yield from self._collection()

    def at_fractions(self) -> Iterator[Cut]:
        for fraction in self.given["fractions"]:
            kept = last(self.removal, float(fraction))
            missing = "the order ended before so few pixels were left (early_stop)"
            reasons = ["" if one.any() else missing for one in kept]
            text = f"fraction={format_value(fraction)}"
            base = self._cut(text, kept, reasons, fraction=float(fraction), shared=True)
            base = self._compared(base)
            yield base
            if "random_subset" in self.given["controls"]:
                yield self._random(base)

    def _cut(self, extra: str, kept: Flags, reasons: Sequence[str], **facts: Any) -> Cut:
        there = np.array([not reason for reason in reasons], bool)
        grid = kept.shape[-2:]
        columns = {
            "border": _known(share_in(border(*grid), kept), there),
            "centre": _known(share_in(centre(*grid), kept), there),
        }
        mask = self.given["mask"]
        return Cut(extra, kept, "order", self.classes, mask, reasons, columns=columns, **facts)

    def _compared(self, cut: Cut) -> Cut:
        """Return a cut with how much it overlaps with what the judge has cut out itself."""
        if self.ranked.peer is None:
            return cut
        own = removal_of(self.ranked.peer)
        if cut.fraction is not None:
            peers = last(own, cut.fraction)
        else:
            peers = sufficient(own, self.threshold).kept
        there: Flags = np.array([one.any() for one in peers], bool)
        overlap = _known(jaccard(cut.kept, peers), there)
        return replace(cut, columns={**cut.columns, "overlap": overlap})

    def _of_orders(self) -> dict[str, list[Any]]:
        """Return the columns that belong to an order as a whole."""
        points = [[None if np.isnan(v) else v for v in row] for row in curve(self.removal).tolist()]
        columns: dict[str, list[Any]] = {"removal_conf": points}
        if self.ranked.remove is not None:  # what another model spent is no fact about the judge
            spent = {name: self.ranked.made["order"][name] for name in ("forwards", "backwards")}
            spent["queries"] = spent["forwards"] + spent["backwards"]
            columns |= {name: values.tolist() for name, values in spent.items()}
        if self.ranked.peer is not None:
            same = rank_correlation(self.removal.order, self.ranked.peer["order"])
            columns["rank_correlation"] = _known(same, np.ones(len(same), bool))
        return columns

    def _reasons(self, found: Subsets) -> list[str]:
        texts = []
        for index in range(len(found.kept)):
            reason = ""
            if found.under[index]:
                whole = self.removal.confidence[index, 0]
                reason = (
                    f"the model is {whole:.4g} sure of the whole image, below {self.threshold:g}"
                )
            elif found.invalid[index]:
                none = self.removal.baseline[index]
                reason = (
                    f"invalid: the model is {none:.4g} sure of the class without any pixel, "
                    f"not below {self.threshold:g}"
                )
            texts.append(reason)
        return texts

    def _minimal(self, found: Subsets) -> Flags | None:
        together = tried_together(self.given, self.removal.order.shape[1:])
        if self.ranked.remove is None or not together:
            return None
        return self.ranked.remove(found.kept, self.removal.order, self.threshold, together)

    def _control(self, base: Cut, name: str, kept: Flags, mask: Spec | None = None) -> Cut:
        text = f"control={name}" if mask is None else f"{name}={mask}"
        extra = f"{base.extra},{text}" if base.extra else text
        return replace(
            self._cut(extra, kept, base.reasons, threshold=base.threshold),
            control=name,
            mask=mask or self.given["mask"],
        )

    def _random(self, base: Cut) -> Cut:
        """Return random subsets of the same sizes: of one draw, smaller ones lie within larger ones."""
        sizes = base.kept.sum((1, 2))
        drawn = np.zeros((self.given["draws"], *base.kept.shape), bool)
        for index, name in enumerate(self.ranked.names):
            rng = rng_for(self.ranked.seed, "random_subset", 1, name, "")
            for draw in drawn[:, index]:
                field = rng.random(draw.shape)
                if size := int(sizes[index]):
                    draw[:] = field <= np.partition(field, size - 1, axis=None)[size - 1]
        text = "control=random_subset"
        return replace(
            base,
            extra=f"{text},{base.extra}" if base.extra else text,
            kept=drawn,
            control="random_subset",
            columns={},
        )

    def _random_class(self) -> Cut:
        order = removal_of(self.ranked.made["random_class"])
        found = sufficient(order, self.threshold, whole=False)
        reasons = []
        for there, invalid in zip(found.found.tolist(), found.invalid.tolist(), strict=True):
            never = f"no subset makes the model {self.threshold:g} sure of the random class"
            none = "invalid: the model is sure of the random class without any pixel"
            reasons.append("" if there else none if invalid else never)
        in_vain = (~found.found & ~found.invalid).tolist()
        return replace(
            self._cut("control=random_class", found.kept, reasons, threshold=self.threshold),
            source="random_class",
            classes=self.ranked.classes["random_class"],
            control="random_class",
            in_vain=in_vain,
        )

    def _collection(self) -> Iterator[Cut]:
        """Yield the second subset of each image, the third and so on, as far as there are any."""
        if "collection" not in self.ranked.made:
            return
        member = self.ranked.made["collection"]["member"]
        for number in range(2, self.given["collection"] + 1):
            kept: Flags = np.equal(member, number)
            missing = f"the image holds no subset number {number}"
            reasons = ["" if one.any() else missing for one in kept]
            yield replace(
                self._cut(f"subset={number}", kept, reasons, threshold=self.threshold),
                source="collection",
                control="collection",
            )


def _known(values: NDArray[np.floating[Any]], there: Flags) -> list[float | None]:
    good = there & ~np.isnan(values)
    return [v if known else None for v, known in zip(values.tolist(), good.tolist(), strict=True)]
