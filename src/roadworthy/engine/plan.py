"""What will run: cells of (data, stress, model), what each needs, and what cannot run and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from roadworthy.data.base import Films
from roadworthy.data.labels import Relation, relate
from roadworthy.data.order import order
from roadworthy.engine.adapt import alike, seen_by
from roadworthy.engine.frames import Product, Recode
from roadworthy.engine.makings import Making, rankings, unjudgeable, unrankable
from roadworthy.engine.options import Adapt, Options, Precision
from roadworthy.engine.readable import readable
from roadworthy.engine.readings import Readings, readings
from roadworthy.engine.same import Same, Twins
from roadworthy.engine.targets import target_columns, unknown_target
from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, run
from roadworthy.pipeline.published import FrameName, published
from roadworthy.seed import digest, digests
from roadworthy.stress.bound import Setting, Stress, stress
from roadworthy.stress.changes import modifies
from roadworthy.stress.levels import Frames
from roadworthy.stress.reference import is_clean
from roadworthy.types import Classifier, Dataset, Metadata, Sample, Tap, says_scores, with_implied

SMALL_FRAME = 64 * 64
"""Pixels up to which a frame is small."""

LONG = 100_000
"""Forward passes on one image from which on it is kept as soon as it is done: minutes at least."""

RECORDS_VERSION = 5
_STORED = "the images of a stored set are stressed already; they are judged as they are (clean)"


@dataclass(frozen=True)
class Judge:
    """A model in the precision it is judged in, with what the records say of it.

    One that a suite made of another names that, ``origin``, and what it is ``called`` beside it.
    """

    model: Classifier
    spec: str
    precision: Precision
    metadata: Metadata
    origin: str = ""
    called: str = ""


@dataclass(frozen=True)
class Source:
    """A data set, the samples of it that are used in their order, and how to size their frames."""

    dataset: Dataset
    samples: tuple[Sample, ...]
    available: int

    @cached_property
    def _relations(self) -> dict[str, Relation]:
        return {}

    def relation(self, judge: Judge) -> Relation:
        """Return how the labels of the data set and the outputs of a model relate."""
        known = self._relations
        if judge.spec not in known:
            known[judge.spec] = relate(self.dataset, judge.model.classes, model_name=judge.spec)
        return known[judge.spec]

    @cached_property
    def _circles(self) -> dict[int, tuple[list[str], list[Sample]]]:
        return {}

    def circle(self, seed: int) -> tuple[list[str], list[Sample]]:
        """Return all samples of the data set in the order of digests of their names, and these."""
        if seed not in self._circles:
            everyone = self.dataset.samples
            place = digests(seed, "circle")
            keyed = sorted((place(s.id), i) for i, s in enumerate(everyone))
            self._circles[seed] = [key for key, _ in keyed], [everyone[i] for _, i in keyed]
        return self._circles[seed]

    @cached_property
    def first_size(self) -> tuple[int, int]:
        """Height and width of the first readable image, for models without a size of their own."""
        reason = ""
        for sample in self.samples[:100]:
            try:
                image = run(self.dataset.read(sample), Pipeline(size=None), name=sample.id)
                return image.shape[0], image.shape[1]
            except SampleError as error:
                reason = reason or str(error)
        raise UsageError(f"no image of '{self.dataset.spec}' can be read: {reason}")


@dataclass(frozen=True)
class Cell:
    """One stress on one data set judged by one model; ``request`` names all of it but the samples.

    Attacks look for inputs in the precision ``craft``; what they find is judged in float32. Where
    what a model makes is kept, or handed to other judges, ``makings`` are what is made, first what
    names the group of cells that it is made for. ``frame`` stands for the judge's own pipeline where
    it judges in the frame of the model ``owner``, which it sees by ``adapt``.
    Of settings that read files alike ``stress`` has only the first; ``readings`` knows the others.
    """

    source: Source
    stress: Stress
    judge: Judge
    relation: Relation
    size: tuple[int, int]
    request: str
    readings: Readings
    craft: Precision = "fp32"
    makings: tuple[Making, ...] = ()
    frame: Pipeline | None = None
    owner: str = ""
    adapt: Adapt = "resize"

    @property
    def maker(self) -> Judge | None:
        """The model that makes what is judged, where that is kept or handed on."""
        return self.makings[0].maker if self.makings else None

    @property
    def crafting(self) -> str:
        """The key of what is made, empty where nothing is kept or handed on."""
        return self.makings[0].key if self.makings else ""

    @cached_property
    def part_size(self) -> int:
        """Samples kept together on disk: more of an attack or a ranking on small frames.

        An attack takes them at once, and the last that hold out are to fill a forward pass. Images
        whose pixels are tried one by one fill it by themselves, and take as long as many others.
        """
        definition, (height, width) = self.stress.definition, self.size
        small = height * width <= SMALL_FRAME
        if (ranking := definition.ranking) is not None:
            given = (setting.arguments for setting in self.stress.settings)
            if any(ranking.passes(one, self.grid(one))[0] > LONG for one in given):
                return 1
            return definition.part_size * (4 if small else 1)
        return definition.part_size * (2 if small and definition.cost == "attack" else 1)

    def grid(self, given: Mapping[str, Any]) -> tuple[int, int]:
        """Return the rows and columns of what its maker can remove under the arguments ``given``."""
        ranking, maker = self.stress.definition.ranking, self.maker
        assert ranking is not None
        assert maker is not None
        return ranking.grid(given, maker.model, self.size)

    @property
    def made_by(self) -> str:
        """Spec of the model that another one's adversarials come from; empty for a model's own."""
        return "" if self.maker is None or self.maker.spec == self.judge.spec else self.maker.spec

    @property
    def classifier(self) -> Classifier:
        """The judge as it takes frames of this cell."""
        return seen_by(self.judge.model, self.adapt)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline of the frame that the stress acts in, the model's own unless it says so."""
        if self.frame is not None:
            return self.frame
        return published(frame_of(self.stress, self.source.dataset), self.judge.model.pipeline)

    @property
    def films(self) -> Films | None:
        """How the films of a stored set are read, where these are what is judged."""
        found: Films | None = getattr(self.source.dataset, "films", None)
        return found if is_clean(self.stress.spec) else None

    def pipeline_of(self, setting: Setting) -> Pipeline:
        """The pipeline that reads the images for ``setting``, or one that reads them alike."""
        known = self.readings.by_key.get(setting.key)
        return self.pipeline if known is None else known.pipeline

    def as_clean(self, setting: Setting) -> bool:
        """Whether ``setting`` leaves everything as it is without the stress, so that clean answers."""
        changes = self.stress.definition.tap is not Tap.PIPELINE or modifies(self.stress)
        return not changes and self.readings.as_usual(setting)

    def alike(self) -> Iterator[dict[str, Any]]:
        """Yield which settings are judged under another's name, or need no judging beside clean."""
        if self.stress.definition.tap is not Tap.PIPELINE:
            return
        for setting in self.stress.settings:
            same, clean = self.readings.by_key[setting.key].same, self.as_clean(setting)
            if same or clean:
                yield {
                    "data": self.source.dataset.spec,
                    "model": self.judge.spec,
                    "stress": self.stress.spec,
                    "variant": setting.key,
                    "same": list(same),
                    "clean": clean,
                }

    def sequence(self, setting: Setting) -> Frames:
        """How the frames of a sequence stress are made on this cell's frame, and compared.

        Of films only how they are compared.
        """
        if self.films is not None:
            return Frames({}, self.films.stride(self.source.samples[0]))
        tables = self.stress.definition.tables
        assert tables is not None
        return tables.on(self.size, setting.arguments)

    def products(self) -> dict[Product, Recode | None]:
        """Everything the cell needs made of an image."""
        tap = self.stress.definition.tap
        own = Product("frame", self.pipeline)
        found: dict[Product, Recode | None] = {own: None}
        if tap is Tap.RESIZED:
            found[Product("resized", self.pipeline)] = None
        for setting in self.stress.settings:
            product, recode = self.product(setting)
            found[product] = recode
        return found

    def product(self, setting: Setting) -> tuple[Product, Recode | None]:
        """The frame that ``setting`` is judged on or made from."""
        tap = self.stress.definition.tap
        if tap is Tap.BYTES:
            recode = Recode(self.stress, setting)
            return Product("frame", self.pipeline, recode.key), recode
        if tap is Tap.RESIZED:
            return Product("resized", self.pipeline), None
        return Product("frame", self.pipeline_of(setting)), None


@dataclass(frozen=True)
class Unavailable:
    """A pair of model and stress that cannot run, and why; ``asked`` is a sweep that it is part of."""

    data: str
    model: str
    stress: str
    reason: str
    asked: str = ""


@dataclass(frozen=True)
class Plan:
    """All cells of a run, in the order they run, the pairs that cannot, and those like others."""

    cells: tuple[Cell, ...]
    unavailable: tuple[Unavailable, ...]
    same: tuple[Same, ...] = ()


def plan(
    judges: Sequence[Judge],
    datasets: Sequence[Dataset],
    stresses: Sequence[Stress],
    options: Options,
    *,
    members: Collection[str] = (),
) -> Plan:
    """Resolve what runs; raises UsageError where labels do not fit or a stress fits no model.

    A stress that cannot run for want of a package, or because the models do not give what it needs
    or have too many classes for it, is an error only where nothing else was asked for.
    ``members`` are the digests of stresses that only a suite asks for: those that read files exactly
    as another does are left out.
    """
    asked, stresses = stresses, _with_clean(stresses)
    cells: list[Cell] = []
    unavailable: list[Unavailable] = []
    excused: dict[str, str] = {}
    first: dict[str, Pipeline] = {}
    twins = Twins(members)
    for dataset in datasets:
        ordered = order(dataset.samples, seed=options.seed)
        kept = tuple(ordered[: options.limit])
        source = Source(dataset, kept, len(ordered))
        attacked: list[Cell] = []
        if options.transfer:
            alike(judges, source.relation, dataset.spec)
        for wanted in _own(stresses, dataset):
            for maker in judges:
                reason = _not_on(wanted, dataset)
                if not reason and (reason := missing_needs(wanted, maker.model)):
                    excused.setdefault(wanted.digest, reason)
                framed = judges[0] if options.transfer and options.adapt == "resize" else maker
                reason = reason or unrankable(wanted, maker, _size(framed.model.pipeline, source))
                if reason:
                    unavailable.append(Unavailable(dataset.spec, maker.spec, wanted.spec, reason))
                    continue
                frame = published(frame_of(wanted, dataset), maker.model.pipeline)
                size = partial(_size, frame, source)
                one, absent = readable(wanted, frame, maker.model, size)
                unavailable += [
                    Unavailable(dataset.spec, maker.spec, spec, why, wanted.spec)
                    for spec, why in absent.items()
                ]
                if not one.settings:
                    excused.setdefault(one.digest, next(iter(absent.values())))
                elif twins.has(one, dataset.spec, maker.spec, frame):
                    continue
                elif one.definition.ranking or (
                    is_attack(one) and (options.transfer or options.keep or _made_of(maker, judges))
                ):
                    for cell in _attack_cells(source, one, maker, judges, options):
                        if blind := unjudgeable(one, cell.classifier):
                            unavailable.append(
                                Unavailable(dataset.spec, cell.judge.spec, wanted.spec, blind)
                            )
                        else:
                            attacked.append(cell)
                else:
                    cells.append(
                        _cell(source, one, maker, options, first=first, lacking=bool(absent))
                    )
        cells += [*_clean_elsewhere(source, judges, attacked, options), *attacked]
    running = {cell.stress.digest for cell in cells} | twins.digests
    others = any(one.digest in running for one in asked)
    for one in asked:
        spared = others and one.digest in (*excused, *members)
        if one.digest not in running and not spared:
            said = next((u.reason for u in unavailable if u.stress == one.spec), _STORED)
            reason = excused.get(one.digest, said)
            raise UsageError(f"stress '{one.spec}' can run on none of the models: {reason}")
    return Plan(tuple(cells), tuple(dict.fromkeys(unavailable)), tuple(twins.found))


def is_attack(one: Stress) -> bool:
    """Whether a stress makes adversarial inputs, which other models can judge as well."""
    definition = one.definition
    attacks = definition.tap is Tap.INPUT and definition.axis == "adversarial"
    return attacks and not definition.measures


def _attack_cells(
    source: Source, one: Stress, maker: Judge, judges: Sequence[Judge], options: Options
) -> list[Cell]:
    """Return the cells of an attack on ``maker``, judged by all of ``judges`` if it is handed on.

    And so of a ranking that it makes. Models that a suite made of ``maker`` judge its attacks in any
    case, in the same frame.
    """
    if not options.transfer:
        also = _made_of(maker, judges) if is_attack(one) else []
        return [_cell(source, one, judge, options, maker=maker) for judge in (maker, *also)]
    owner = judges[0] if options.adapt == "resize" else _first_alike(judges, maker)
    return [_cell(source, one, judge, options, maker=maker, owner=owner) for judge in judges]


def _made_of(maker: Judge, judges: Sequence[Judge]) -> list[Judge]:
    return [judge for judge in judges if judge.origin == maker.spec]


def _compares(one: Stress, judge: Judge, maker: Judge, adapt: Adapt, size: tuple[int, int]) -> bool:
    """Whether what a judge ranks itself can be compared with what ``maker`` did: the same units."""
    if adapt != "resize" and maker.model.pipeline != judge.model.pipeline:
        return False
    if missing_needs(one, judge.model) or unrankable(one, judge, size):
        return False
    ranking = one.definition.ranking
    return ranking is None or all(
        ranking.grid(s.arguments, judge.model, size) == ranking.grid(s.arguments, maker.model, size)
        for s in one.settings
    )


def _first_alike(judges: Sequence[Judge], maker: Judge) -> Judge:
    """Return the first model that takes its frames as ``maker`` does: one clean run serves both."""
    return next(j for j in judges if j.model.pipeline == maker.model.pipeline)


def _clean_elsewhere(
    source: Source, judges: Sequence[Judge], attacked: Sequence[Cell], options: Options
) -> list[Cell]:
    """Return ``clean`` in the frames of other models, for all who judge attacks in these."""
    by_spec = {judge.spec: judge for judge in judges}
    pairs = dict.fromkeys((c.judge.spec, c.owner) for c in attacked if c.owner)
    return [
        _cell(source, stress("clean"), by_spec[judge], options, owner=by_spec[owner])
        for judge, owner in pairs
    ]


def _size(frame: Pipeline, source: Source) -> tuple[int, int]:
    return frame.size or source.first_size


def _own(stresses: Sequence[Stress], dataset: Dataset) -> list[Stress]:
    """Return what a data set is asked for: a stored one has ``clean`` in its own frame alone."""
    if not is_stored(dataset):
        return list(stresses)
    return [stress("clean"), *(one for one in stresses if not is_clean(one.spec))]


def is_stored(dataset: Dataset) -> bool:
    """Whether the images of a data set are stressed already."""
    return getattr(dataset, "frame", "own") != "own"


def frame_of(one: Stress, dataset: Dataset) -> FrameName:
    """Return the frame that a stress acts in: stored sets are judged as they are by default."""
    stored: FrameName = getattr(dataset, "frame", "own")
    return stored if one.frame == "own" else one.frame


def _not_on(one: Stress, dataset: Dataset) -> str:
    """Return why ``dataset`` cannot take the stress, or an empty text."""
    if is_stored(dataset) and not is_clean(one.spec):
        return _STORED
    return unknown_target(one, dataset)


def missing_needs(one: Stress, model: Classifier) -> str:
    """Return why ``model`` cannot take the stress, or an empty text."""
    missing = sorted(need.value for need in one.needs - with_implied(model.gives))
    if missing:
        return f"needs {' and '.join(missing)}, which the model does not give"
    count, most = model.classes.count, one.most_classes
    if most is not None and count is not None and count > most:
        return f"takes a pass for each class: at most {most} make sense, the model has {count}"
    return ""


def _with_clean(stresses: Sequence[Stress]) -> list[Stress]:
    """Put ``clean`` first, in every frame that is used: all differences are taken against it."""
    frames = dict.fromkeys(("own", *(one.frame for one in stresses)))
    if stresses and all(one.frame != "own" for one in stresses):
        del frames["own"]
    clean = [stress(f"clean(frame={frame})") for frame in frames]
    unique = {one.digest: one for one in (*clean, *stresses)}
    return list(unique.values())


def _cell(
    source: Source,
    one: Stress,
    judge: Judge,
    options: Options,
    *,
    maker: Judge | None = None,
    owner: Judge | None = None,
    first: dict[str, Pipeline] | None = None,
    lacking: bool = False,
) -> Cell:
    """Return a cell, in the frame of ``owner`` if that is another than the judge's own.

    ``first`` is for `readings`; ``lacking`` says that some of what was asked for cannot be read here.
    """
    model = judge.model
    relation = source.relation(judge)
    frame = None if owner is None else owner.model.pipeline
    if owner is None or frame == model.pipeline:
        frame = owner = None
    pipeline = frame or published(frame_of(one, source.dataset), model.pipeline)
    size = pipeline.size or source.first_size
    craft: Precision = "fp32"
    if one.definition.tap is Tap.INPUT:
        # A success that exists only in bf16 is none.
        craft, judge = judge.precision, replace(judge, precision="fp32")
    reading = readings(one, pipeline, {} if first is None else first)
    probes = {reading.own.probe, *(read.probe for read in reading.by_key.values())}
    fewer = lacking or len(reading.settings) < len(one.settings)

    def named(by: Judge, *more: object) -> str:
        return digest(
            RECORDS_VERSION,
            one.digest,
            source.dataset.spec,
            by.spec,
            by.model.id,
            "fp32" if one.definition.tap is Tap.INPUT else by.precision,
            *size,
            *sorted(probes),
            *([setting.key for setting in reading.settings] if fewer else []),
            relation.targets.tobytes(),
            options.seed,
            *([f"crafted in {craft}"] if craft != "fp32" else []),
            *([] if says_scores(by.model) else ["by labels alone"]),
            *(["films"] if getattr(source.dataset, "films", None) else []),
            *(str(s.columns.get(c)) for c in target_columns(one) for s in source.dataset.samples),
            *more,
        )

    adapt: Adapt = "resize" if owner is None else options.adapt
    makings: tuple[Making, ...] = ()
    if maker is not None:
        made = replace(maker, precision="fp32")
        makings = (Making(named(maker, "kept"), made),)
        if one.definition.ranking is not None:
            makings = rankings(one, made, source.dataset.spec, pipeline, size, options.seed)
            if maker.spec != judge.spec and _compares(one, judge, maker, adapt, size):
                own = rankings(one, judge, source.dataset.spec, pipeline, size, options.seed)
                peers = (m for m in own if m.wanted is not None and m.wanted.compared)
                makings += tuple(replace(m, peer=True) for m in peers)
    crafting = makings[0].key if makings else ""
    elsewhere = [] if owner is None else [f"in the frame of {owner.spec}", adapt]
    return Cell(
        source,
        replace(one, settings=reading.settings),
        judge,
        relation,
        size,
        named(judge, *([f"made by {crafting}"] if crafting else []), *elsewhere),
        reading,
        craft,
        makings,
        frame,
        "" if owner is None else owner.spec,
        adapt,
    )
