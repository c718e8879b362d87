"""Ask a pipeline about probes, and keep what it answers or why it does not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.models.user_code import last_words
from roadworthy.preflight.base import Subject
from roadworthy.preflight.calling import to_array
from roadworthy.preflight.probes.base import Probe, probes
from roadworthy.preflight.quietly import quietly

AGAIN = ("flat_37_91_203", "square_330", "grid_333x471", "grid_427x640", "jpeg_420", "square_160")
"""Probes that are asked about twice, once everything has been asked."""

FAILED = 6
"""Probes that fail which are asked about twice, since some pipelines fail now and then."""


class Answers:
    """What a pipeline makes of probes: arrays by name, and in ``failures`` why there is none."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.arrays: dict[str, NDArray[Any]] = {}
        self.failures: dict[str, str] = {}
        self.seconds = 0.0

    def ask(self, probe: Probe) -> NDArray[Any] | None:
        """Return the answer to a probe, asked once; None where it fails."""
        if probe.name not in self.arrays and probe.name not in self.failures:
            answer = self._asked(probe)
            if isinstance(answer, str):
                self.failures[probe.name] = answer
            else:
                self.arrays[probe.name] = answer
        return self.arrays.get(probe.name)

    def changed(self) -> tuple[str, ...]:
        """Return the probes of a few that are answered differently, or at last, when asked again."""
        if not self.subject.repeats:
            return ()
        failed = [n for n in self.failures if n in probes()][:FAILED]
        again = [n for n in AGAIN if n in self.arrays]
        return tuple(
            n for n in (*again, *failed) if not _same(self.arrays.get(n), self._asked(probes()[n]))
        )

    def most(self, of: Callable[[NDArray[Any]], Hashable]) -> Any:
        """Return the most frequent value of ``of(array)`` over all answers."""
        return Counter(map(of, self.arrays.values())).most_common(1)[0][0]

    def _asked(self, probe: Probe) -> NDArray[Any] | str:
        began = time.perf_counter()
        try:
            with quietly():
                return np.array(to_array(self.subject.give(probe.name, probe.data)))
        except (Exception, SystemExit) as error:  # user code raises whatever it likes
            return last_words(error)
        finally:
            self.seconds += time.perf_counter() - began


def observe(subject: Subject) -> Answers:
    """Return the answers of a pipeline to all probes; whatever it raises is a failure, by name."""
    answers = Answers(subject)
    for probe in probes().values():
        answers.ask(probe)
    return answers


def _same(first: NDArray[Any] | None, second: NDArray[Any] | str) -> bool:
    """Whether two answers are equal; failures are, whatever they say."""
    if first is None or isinstance(second, str):
        return first is None and isinstance(second, str)
    return np.array_equal(first, second, equal_nan=True)
