"""What models, data and stresses are called in a comparison: short, and told apart in all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from roadworthy.comparing.result import Comparison, Difference, Verdicts
from roadworthy.report.cells import label_of
from roadworthy.report.names import clean_text, model_names, short_names

ROOM = 60


@dataclass(frozen=True)
class Names:
    """Short names of all models and data sets of a comparison."""

    models: Mapping[str, str]
    data: Mapping[str, str]

    @classmethod
    def of(cls, found: Comparison) -> Names:
        """Name everything that a comparison is about."""
        places = [*(one.place for one in found.differences), *(one.place for one in found.tests)]
        models = [name for place in places for name in (*place.models, place.source) if name]
        data = [name for place in places for name in place.data]
        return cls(model_names(models, ROOM), short_names(data, ROOM))

    def who(self, models: tuple[str, str]) -> str:
        """Return which models are compared: one name, or two."""
        a, b = (self.models[model] for model in models)
        return a if a == b else f"{a} (A), {b} (B)"

    def title(self, models: tuple[str, str], data: tuple[str, str]) -> str:
        """Return who is compared on what."""
        a, b = (self.data[name] for name in data)
        return f"{self.who(models)} on {a if a == b else f'{a} (A), {b} (B)'}"

    def label(self, one: Verdicts | Difference) -> str:
        """Return the stress of a row, its variant, and whose images these are if another model's."""
        place = one.place
        label = label_of(place.stress, place.variant)
        if not place.source or place.source in place.models:
            return label
        return f"{label} made on {clean_text(self.models[place.source])}"
