"""A page that is open in the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass
class Opened:
    """A page in the browser, with what it complained of and asked the network for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def drawn(self) -> int:
        """Scroll through the page until every chart is drawn; return how many there are."""
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        charts = self.page.locator(".chart").count()
        self.page.wait_for_function(
            "n => document.querySelectorAll('.chart[data-drawn]').length === n", arg=charts
        )
        return charts
