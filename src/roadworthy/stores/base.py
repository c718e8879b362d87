"""What a format is: how frames become the bytes of a file, and what is left of them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.registry import Definition, parameters_of
from roadworthy.types import Image


@dataclass(frozen=True, kw_only=True)
class Store:
    """A format in which frames are kept, with its parameters settled.

    ``encode(frames, noise)`` returns the bytes of one file and ``decode`` the frames in such a
    file, uint8 (H, W, 3) RGB. ``noise`` says that the frames are independently noisy. ``whole``
    formats keep all frames of a sequence in one file, the others have one file for each frame.
    ``round_trip`` is a faster way to the same pixels as encoding and decoding one frame.
    """

    spec: str = ""
    suffix: str
    lossless: bool
    whole: bool = False
    encode: Callable[[Sequence[Image], bool], bytes]
    decode: Callable[[bytes], list[Image]]
    round_trip: Callable[[Image], Image] | None = None

    def frame(self, image: Image) -> Image:
        """Return what a reader of the stored file gets for one uint8 frame (H, W, 3).

        Raises SampleError for a frame that the format cannot hold.
        """
        if self.lossless:
            return image
        if self.round_trip is not None:
            return self.round_trip(image)
        return self.decode(self.encode([image], False))[0]

    def sequence(self, frames: Sequence[Image], *, noise: bool) -> list[Image]:
        """Return what a reader of the stored sequence gets, frame by frame.

        Raises SampleError for frames that the format cannot hold.
        """
        if self.whole and not self.lossless:
            return self.decode(self.encode(frames, noise))
        return [self.frame(frame) for frame in frames]


@dataclass(frozen=True, kw_only=True)
class StoreDefinition(Definition):
    """A registered format: ``function(**parameters)`` returns a `Store`."""

    check: Callable[[Mapping[str, Any]], None] | None = None


def image_format(
    *, check: Callable[[Mapping[str, Any]], None] | None = None
) -> Callable[[Callable[..., Store]], StoreDefinition]:
    """Register a format; ``check`` raises UsageError for senseless parameters."""

    def decorate(function: Callable[..., Store]) -> StoreDefinition:
        return StoreDefinition(
            name=function.__name__,
            function=function,
            parameters=parameters_of(function),
            check=check,
        )

    return decorate
