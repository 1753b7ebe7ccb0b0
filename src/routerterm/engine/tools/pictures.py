"""Pictures from the web, for models whose provider takes only bytes.  What fetches them loads with the first one."""

from __future__ import annotations

from routerterm.core.messages import Image


class WebPictures:
    """The router's `PictureSource`: over the network, by way of the ``proxy`` of the settings."""

    def __init__(self, proxy: str | None) -> None:
        self._proxy = proxy

    async def fetch(self, url: str) -> Image:
        """The picture at an address on the Internet, within the limits of `web_page`.  Raises `RoutertermError`."""
        from routerterm.engine.tools.web_page import fetch_picture, is_public
        from routerterm.router.transports.http import HttpTransport

        transport = HttpTransport(self._proxy, allowed=is_public)
        try:
            return await fetch_picture(url, transport)
        finally:
            await transport.aclose()
