"""Downloads where there is no network: asked once, given up within seconds, and settings restored."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from roadworthy.models import hub


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    calls: list[object] = []

    def unreachable(address: object, timeout: float) -> socket.socket:
        assert timeout == hub.SECONDS
        calls.append(address)
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    monkeypatch.setattr(hub, "getproxies", dict)
    hub.answers.cache_clear()
    yield calls
    hub.answers.cache_clear()


def test_a_hub_out_of_reach_is_asked_once_and_then_left_alone(asked: list[object]) -> None:
    before = constants.HF_HUB_OFFLINE
    for _ in range(3):
        with hub.patient_for_seconds():
            assert constants.HF_HUB_OFFLINE is True
            assert socket.getdefaulttimeout() == hub.SECONDS
        assert constants.HF_HUB_OFFLINE is before
        assert socket.getdefaulttimeout() is None
    assert len(asked) == 1


def test_behind_a_proxy_nobody_knows(monkeypatch: pytest.MonkeyPatch, asked: list[object]) -> None:
    monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://proxy"})
    assert hub.answers("https://huggingface.co")
    assert not asked
    assert not hub.answers("http://example.org:8080/a")
    assert asked == [("example.org", 8080)]


def test_a_limit_that_somebody_set_stays() -> None:
    socket.setdefaulttimeout(1.5)
    try:
        with hub.patient_for_seconds():
            assert socket.getdefaulttimeout() == 1.5
        assert socket.getdefaulttimeout() == 1.5
    finally:
        socket.setdefaulttimeout(None)
