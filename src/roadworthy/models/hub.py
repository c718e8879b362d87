"""Published weights where there may be no network: whether a server answers is asked once, for seconds."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

SECONDS = 5.0
"""How long a server may take to answer, and each piece of a download to come."""


@cache
def answers(url: str) -> bool:
    """Return whether the server of ``url`` takes connections; behind a proxy that is not known: True."""
    parts = urlsplit(url)
    if parts.scheme in getproxies() or parts.hostname is None:
        return True
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((parts.hostname, port), timeout=SECONDS).close()
    except OSError:
        return False
    return True


@contextmanager
def patient_for_seconds() -> Iterator[None]:
    """Let the hub's client take files from its cache alone, without trying again and again, if it is out
    of reach; give up other downloads after `SECONDS` without an answer.
    """
    from huggingface_hub import constants

    before, timeout = constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()
    constants.HF_HUB_OFFLINE = before or not answers(constants.ENDPOINT)
    socket.setdefaulttimeout(SECONDS if timeout is None else timeout)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        socket.setdefaulttimeout(timeout)
