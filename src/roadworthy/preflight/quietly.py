"""Other people's code, without its chatter: warnings of a probe are no news to the user."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Run code without showing its warnings, and without making errors of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
