"""A real Chromium for the page: one for all tests, that notes errors and requests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_page import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a headless Chromium; skips where it or Playwright is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: pip install -e '.[browser]'"
    )
    path = os.environ.get("ROADWORTHY_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or set ROADWORTHY_CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Opened]]:
    """Return what opens a file in a window of its own; errors and requests fail the test."""
    opened: list[Opened] = []

    def visit(path: Path, *, width: int = 1280, height: int = 900, **options: Any) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        one = Opened(context.new_page())
        one.page.set_default_timeout(10_000)
        one.page.on("console", lambda said: one.errors.append(f"{said.type}: {said.text}"))
        one.page.on("pageerror", lambda error: one.errors.append(str(error)))
        one.page.on("request", lambda request: _note(one, request.url))
        one.page.on("dialog", lambda dialog: _dialog(one, dialog))
        one.page.goto(path.resolve().as_uri())
        opened.append(one)
        return one

    yield visit
    for one in opened:
        one.page.context.close()
        assert one.errors == []
        assert one.requests == []


def _note(one: Opened, address: str) -> None:
    if not address.startswith(("file:", "data:", "blob:")):
        one.requests.append(address)


def _dialog(one: Opened, dialog: Any) -> None:
    one.errors.append(f"dialog: {dialog.message}")
    dialog.dismiss()
