"""The one `httpx.AsyncClient`, without the cookies that every request would pay for."""

from __future__ import annotations

import httpx


class NoCookies(httpx.Cookies):
    """None is kept: the next request may go with another key, and the two are nobody's business."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing, without making a request of urllib's first to ask a jar that refuses everything."""


class Client(httpx.AsyncClient):
    """Cookies go neither in nor out."""

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies; setting some is of no use."""
        return _NONE

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """See `cookies`."""


_NONE = NoCookies()
