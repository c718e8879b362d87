"""Brightness and saturation of the hexcone model (HSV), without going there and back."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

EPSILON = 2e-4
"""Added in units of one level before truncating, so that exact levels survive float32."""

_LARGER, _SMALLER = np.divmod(np.arange(1 << 16), 256)


@lru_cache(maxsize=64)
def _raised(amount: float) -> NDArray[np.uint8]:
    """Return the new level of a channel c in a pixel with maximum v, at 256 v + c."""
    value, channel = _LARGER / 255.0, _SMALLER / 255.0
    raised = np.clip(value + amount, 0.0, 1.0)
    saturation = (value - channel) / np.where(value > 0, value, 1.0)
    table = np.clip(raised * (1.0 - saturation), 0.0, 1.0) * 255.0
    levels: NDArray[np.uint8] = table.astype(np.uint8)
    return levels.reshape(1, -1)


def with_value_raised(image: Image, amount: float) -> Image:
    """Return ``image`` with ``amount`` added to the value of HSV, clipped to [0, 1].

    ``image`` is uint8 (H, W, 3), ``amount`` in units of the full range and of either sign. Hue and
    saturation stay, so every channel is multiplied by new over old value; the result is truncated
    to 8 bits.
    """
    red, green, blue = cv2.split(image)
    value = cv2.max(cv2.max(red, green), blue)
    # Pairs of bytes (channel, value) read as numbers of 16 bits are places in the table.
    pairs = cv2.merge([red, value, green, value, blue, value])
    places = np.ascontiguousarray(pairs).view("<u2").astype(np.uint16, copy=False)
    return np.asarray(cv2.LUT(places, _raised(float(amount))), np.uint8).reshape(image.shape)


@lru_cache(maxsize=64)
def _stretch(factor: float, offset: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return tables at 256 v + minimum: new over old saturation, and the new minimum's level.

    Grey pixels have no hue: their ratio is 0, and those that gain a saturation get it from red.
    """
    value, lowest = _LARGER / 255.0, _SMALLER / 255.0
    old = np.clip((value - lowest) / np.where(value > 0, value, 1.0), 0.0, 1.0)
    new = np.clip(old * factor + offset, 0.0, 1.0)
    ratio = np.divide(new, old, out=np.zeros_like(new), where=old > 0)
    level = (np.clip(value * (1.0 - new), 0.0, 1.0) * 255.0).astype(np.uint8)
    return ratio.astype(np.float32).reshape(1, -1), level.reshape(1, -1)


def with_saturation_stretched(image: Image, factor: float, offset: float) -> Image:
    """Return ``image`` with the saturation s of HSV replaced by clip(factor * s + offset).

    ``image`` is uint8 (H, W, 3). With v the largest channel and k new over old saturation, every
    channel c becomes v - k (v - c), truncated to 8 bits. Grey pixels count as red of saturation 0.
    """
    channels = red, green, blue = cv2.split(image)
    larger, smaller = cv2.max(red, green), cv2.min(red, green)
    value, lowest = cv2.max(larger, blue), cv2.min(smaller, blue)
    between = cv2.max(smaller, cv2.min(larger, blue))
    places = cv2.merge([lowest, value]).view("<u2")[..., 0].astype(np.uint16, copy=False)
    ratios, levels = _stretch(float(factor), float(offset))
    # The largest channel stays. The smallest depends on two numbers only, so it comes from a table
    # in float64: where the exact result is a whole level, rounding error decides as it does in the
    # published code. That leaves one channel to compute.
    level = cv2.LUT(places, levels)
    ratio = cv2.LUT(places, ratios)
    lowered = cv2.multiply(cv2.subtract(value, between), ratio, dtype=cv2.CV_32F)
    middle = cv2.subtract(value, lowered, dtype=cv2.CV_32F)
    middle = cv2.convertScaleAbs(middle, alpha=1.0, beta=EPSILON - 0.5)
    stretched = [value.copy() for _ in channels]
    for channel, result in zip(channels, stretched, strict=True):
        cv2.copyTo(middle, cv2.compare(channel, value, cv2.CMP_LT), result)
        cv2.copyTo(level, cv2.compare(channel, lowest, cv2.CMP_EQ), result)
    if offset > 0:
        cv2.copyTo(value, cv2.compare(value, lowest, cv2.CMP_EQ), stretched[0])  # grey becomes red
    return np.asarray(cv2.merge(stretched), np.uint8)
