"""Rankings in the engine: made once a model and image, and whatever is cut out of them judged afresh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roadworthy.engine.adversarials import Made
from roadworthy.engine.cut_rows import Stage
from roadworthy.engine.forward import finite as good_logits
from roadworthy.engine.makers import Earlier, Lots, home
from roadworthy.engine.makings import Making
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged
from roadworthy.engine.scene import Scene, aims, drawing
from roadworthy.engine.taps import Batch, Context, clean_input
from roadworthy.engine.verdict import log_softmax
from roadworthy.stress._subsets.confidence import OfClass
from roadworthy.stress._subsets.deletion import deleted
from roadworthy.stress._subsets.removal import NEVER
from roadworthy.stress.ranking import Arrays, Flags, Ranked, Remove, Wanted, Work

NOTHING: Mapping[str, Any] = {"order": NEVER, "confidence": np.nan, "baseline": np.nan}
"""What stands where a peer ranked nothing."""


def make(
    making: Making,
    own: Cell,
    cells: Sequence[Cell],
    batch: Batch,
    context: Context,
    earlier: Earlier,
) -> dict[str, Made]:
    """Have the maker rank the images that it is sure enough of for one of the thresholds of ``cells``.

    An image whose confidence is not finite on the way fails. Always in float32.
    """
    wanted = making.wanted
    assert wanted is not None
    whole, before = _whole(batch), _before(making, cells, earlier)
    sure = (whole >= np.float32(_least(cells))) & [
        i not in batch.failures for i in range(len(whole))
    ]
    there = np.flatnonzero(np.stack([sure, *(made.made for made in before.values())]).all(axis=0))
    classes = aims(wanted.aim, batch, context.seed)
    columns = {"whole": whole.astype(np.float64), "class": classes}
    arrays: dict[str, NDArray[Any]] = {}
    if len(there):
        x = clean_input(own, own.stress.settings[0], batch.positions, context)
        scene = Scene(own, batch, x, there, context)
        for place, why in scene.covered(wanted.mask).items():
            batch.failures[int(there[place])] = why
        there = np.array([i for i in there.tolist() if i not in batch.failures], np.int64)
        scene = Scene(own, batch, x, there, context)
        known = {name: _of(made, there, {}) for name, made in before.items()}
        arrays = _rank(wanted, scene, classes[there], cells, known) if len(there) else {}
    good = _sound(arrays, len(there))
    for index in there[~good].tolist():
        batch.failures[index] = (
            f'"{batch.samples[index].id}": the model gave NaN or infinite numbers, or gradients, for a '
            "part of the image; look at its weights with `roadworthy check`"
        )
    made_of = np.isin(np.arange(len(whole)), there[good])
    kept = {name: np.ascontiguousarray(values[good]) for name, values in arrays.items()}
    return {wanted.name: Made(kept, made_of, columns)}


def _rank(
    wanted: Wanted,
    scene: Scene,
    classes: NDArray[np.int64],
    cells: Sequence[Cell],
    known: Mapping[str, Arrays],
) -> dict[str, NDArray[Any]]:
    """Return what the stress makes of the images of a scene."""
    shown = scene.shown(wanted.mask, drawing(scene.own))
    aimed = torch.from_numpy(classes).to(scene.x.device)
    work = Work(wanted.name, shown, aimed, _least(cells), known)
    return dict(scene.own.stress.definition.function(work, **_arguments(cells, wanted)))


def enough(making: Making, cells: Sequence[Cell], lots: Lots) -> bool:
    """Whether an image was ranked, or its model is not sure enough of it for any threshold."""
    assert making.wanted is not None
    made = lots[making.wanted.name]
    return bool(made.made[0] or not _sure(made, cells)[0])


def rows(
    cell: Cell, earlier: Earlier, batch: Batch, order: Sequence[int], context: Context
) -> list[Judged]:
    """Have the judge of ``cell`` judge all that is cut out of what was made of a batch."""
    own = home(cell, cell.makings[0])
    ranking = cell.stress.definition.ranking
    assert ranking is not None
    x = clean_input(own, cell.stress.settings[0], batch.positions, context)
    found: list[Judged] = []
    seen: set[str] = set()
    for setting in cell.stress.settings:
        grid = cell.grid(setting.arguments)
        wanted = ranking.wants(setting.arguments, grid)
        made = {w.name: earlier[_making(cell, w).key][w.name] for w in wanted}
        first = made[wanted[0].name]
        # Whether others once asked for less, and there is an order all the same, must not count.
        ranked_ = np.stack([one.made for one in made.values()]).all(axis=0)
        there = np.flatnonzero(ranked_ & _sure(first, [cell]))
        scene = Scene(own, batch, x, there, context)
        ranked = Ranked(
            made={n: _of(one, there, ranking.nothing(grid)) for n, one in made.items()},
            classes={name: one.columns["class"][there] for name, one in made.items()},
            names=scene.names,
            seed=context.seed,
            peer=_peer(cell, wanted[0], earlier, there),
            remove=None if cell.made_by else _remover(scene, wanted[0], first),
        )
        keys = {w.name: _making(cell, w).key for w in wanted}
        stage = Stage(cell, scene, order, keys, first.columns["whole"], _least([cell]))
        once = setting.key.partition(",")[2]  # all but the threshold
        for cut in ranking.cuts(ranked, setting.arguments, once not in seen):
            found.extend(stage.judged(setting, cut))
        seen.add(once)
    return found


def _making(cell: Cell, wanted: Wanted, *, peer: bool = False) -> Making:
    """Return the making of what is wanted, by the maker or by the judge as its peer."""
    return next(
        m
        for m in cell.makings
        if m.wanted is not None and (m.wanted.digest, m.peer) == (wanted.digest, peer)
    )


def _peer(cell: Cell, wanted: Wanted, earlier: Earlier, there: NDArray[np.int64]) -> Arrays | None:
    """Return what the judge made of the images ``there``; of those it did not rank, nothing ever goes."""
    if not any(m.peer for m in cell.makings):
        return None
    made = earlier[_making(cell, wanted, peer=True).key][wanted.name]
    if not made.made.any():
        return None
    places: NDArray[np.int64] = np.cumsum(made.made) - 1
    known: Flags = np.array([bool(made.made[i]) for i in there.tolist()], bool)
    found = {}
    for name, values in made.arrays.items():
        whole = np.full((len(there), *values.shape[1:]), NOTHING.get(name, 0), values.dtype)
        whole[known] = values[places[there[known]]]
        found[name] = whole
    return found


def _remover(scene: Scene, wanted: Wanted, made: Made) -> Remove:
    """Return how to ask the model that ranked what its subsets can do without."""

    def remove(kept: Flags, order: NDArray[np.uint16], threshold: float, together: int) -> Flags:
        if not len(kept):
            return kept
        shown = scene.shown(wanted.mask, drawing(scene.own))
        classes = torch.from_numpy(made.columns["class"][scene.rows]).to(scene.x.device)
        asked = OfClass(shown, classes)
        return deleted(asked, kept, order, threshold, together=together, device=str(scene.x.device))

    return remove


def _of(made: Made, there: NDArray[np.int64], nothing: Arrays) -> Arrays:
    """Return the arrays of the samples ``there``, of all of which something was made."""
    if not len(there):
        return nothing
    places = (np.cumsum(made.made) - 1)[there]
    return {name: values[places] for name, values in made.arrays.items()}


def _whole(batch: Batch) -> NDArray[np.float32]:
    """Return how sure the maker is of its prediction on the whole images (N,); NaN if of nothing."""
    finite = good_logits(batch.clean)
    clean = np.where(finite[:, None], batch.clean, np.float32(0))
    whole = np.exp(log_softmax(clean)).max(1).astype(np.float32)
    return np.where(finite, whole, np.float32("nan"))


def _least(cells: Sequence[Cell]) -> float:
    """Return the smallest threshold that anybody asks for."""
    return min(float(s.arguments["threshold"]) for c in cells for s in c.stress.settings)


def _sure(made: Made, cells: Sequence[Cell]) -> Flags:
    """Return of which images the maker is sure enough for some threshold, (N,)."""
    found: Flags = np.asarray(made.columns["whole"] >= np.float32(_least(cells)))
    return found


def _wanting(cells: Sequence[Cell]) -> Iterator[tuple[Wanted, Mapping[str, Any]]]:
    """Yield everything that is wanted, each with the arguments of a setting that wants it."""
    for cell in cells:
        ranking = cell.stress.definition.ranking
        assert ranking is not None
        for setting in cell.stress.settings:
            for wanted in ranking.wants(setting.arguments, cell.grid(setting.arguments)):
                yield wanted, setting.arguments


def _before(making: Making, cells: Sequence[Cell], earlier: Earlier) -> dict[str, Made]:
    """Return what the same maker has made already that this comes after, by name."""
    wanted = making.wanted
    assert wanted is not None
    if not wanted.after:
        return {}
    ranking, given = cells[0].stress.definition.ranking, _arguments(cells, wanted)
    assert ranking is not None
    every = ranking.wants(given, cells[0].grid(given))
    digests = {w.digest for w in every if w.name in wanted.after}
    found = {}
    for other in (m for cell in cells for m in cell.makings if m.wanted is not None):
        assert other.wanted is not None
        if other.wanted.digest in digests and other.maker.spec == making.maker.spec:
            found[other.wanted.name] = earlier[other.key][other.wanted.name]
    return found


def _arguments(cells: Sequence[Cell], wanted: Wanted) -> Mapping[str, Any]:
    return next(given for one, given in _wanting(cells) if one.digest == wanted.digest)


def _sound(arrays: Arrays, count: int) -> NDArray[np.bool_]:
    """Return which images have an order to the end, (N,)."""
    if "baseline" not in arrays:
        return np.ones(count, bool)
    return np.isfinite(arrays["baseline"])
