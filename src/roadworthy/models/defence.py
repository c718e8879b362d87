"""A stress in front of a model, as a defence against attacks that need gradients."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.errors import UsageError
from roadworthy.models.front import Fronted, behind
from roadworthy.spec import Spec
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import Stress, stress
from roadworthy.types import Classifier, Image, Tap


@dataclass(frozen=True)
class Rounding:
    """Nothing but the rounding to 8 bits that precedes every step."""

    name: str = "bpda/8bit"
    identity: tuple[object, ...] = ()

    def __call__(self, frame: Image) -> Image:
        """Return the frame as it is."""
        return frame


@dataclass(frozen=True)
class Stressed:
    """One variant of a stress on frames, without random numbers."""

    stress: Stress

    @property
    def name(self) -> str:
        """Names the stress."""
        return f"bpda/{self.stress.name}"

    @property
    def identity(self) -> tuple[object, ...]:
        """All parameters of the stress."""
        return (self.stress.digest,)

    def __call__(self, frame: Image) -> Image:
        """Return the frame under the stress; raises SampleError for whatever that raises."""
        setting = self.stress.settings[0]
        return corrupted(self.stress, setting, frame, sample="a frame", seed=0)


def defended(model: Classifier, asked: Spec | None) -> Fronted:
    """Return ``model`` behind a stress, through which gradients go straight.

    Raises UsageError unless the stress changes frames, in one way only and without random numbers.
    """
    if asked is None:
        return behind(model, Rounding(), straight=True)
    one = stress(asked)
    if one.definition.tap is not Tap.IMAGE or one.definition.sequence or one.frame != "own":
        raise UsageError(
            f"bpda: '{one.spec}' does not change the frame that the model sees; give a stress that "
            "does, such as jpeg_compression(quality=75)"
        )
    if one.definition.takes_draws:
        raise UsageError(
            f"bpda: '{one.spec}' draws random numbers; write such a defence as a module and judge it "
            "as eot(torch:…)"
        )
    if len(one.settings) != 1:
        raise UsageError(
            f"bpda: '{one.spec}' has {len(one.settings)} variants; choose one, for example "
            f"{one.name}({one.settings[0].key})"
        )
    return behind(model, Stressed(one), straight=True)
