"""Pictures that a request names by their address, fetched for models whose provider takes only bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec.structs import replace

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.messages import Image, Message, Part
from routerterm.core.request import ChatRequest
from routerterm.router.ports import PictureSource

MOST = 16
"""Addresses that are fetched for one request."""
MOST_BYTES = 32_000_000
"""Bytes of all of them together."""


class RequestPictures:
    """The pictures of one request, each fetched once for however many attempts."""

    def __init__(self, source: PictureSource | None) -> None:
        self._source = source
        self._fetched: dict[str, Image] = {}

    async def filled(self, request: ChatRequest, takes_url: Callable[[str], bool]) -> ChatRequest:
        """The request with the bytes of all pictures whose address the provider does not take.  Raises `BadRequest`."""
        if self._source is None or not request.has_images:
            return request
        images = (image for message in request.messages for image in message.images)
        wanted = {image.url for image in images if image.url and not image.data and not takes_url(image.url)}
        if not wanted:
            return request
        if request.private:
            raise BadRequest("A private conversation fetches no images.", "Attach the file instead of its address.")
        if len(wanted | self._fetched.keys()) > MOST:
            raise BadRequest(f"The request names more than {MOST} images by their address.", "Attach them instead.")
        fetching = [asyncio.ensure_future(self._fetch(self._source, url)) for url in wanted - self._fetched.keys()]
        try:
            await asyncio.gather(*fetching)
        finally:
            for task in fetching:
                task.cancel()
        return replace(request, messages=tuple(map(self._with_bytes, request.messages)))

    async def _fetch(self, source: PictureSource, url: str) -> None:
        try:
            found = await source.fetch(url)
        except RoutertermError as error:
            where = (urlsplit(url).hostname or url)[:80]
            raise BadRequest(f"The image at {where} was not fetched: {error.message}", error.hint) from error
        self._fetched[url] = found
        if sum(len(image.data) for image in self._fetched.values()) > MOST_BYTES:
            raise BadRequest(f"The images of the request are larger than {MOST_BYTES // 1_000_000} MB.", "Send fewer.")

    def _with_bytes(self, message: Message) -> Message:
        if not message.images:
            return message
        return replace(message, parts=tuple(map(self._replaced, message.parts)))

    def _replaced(self, part: Part) -> Part:
        if not isinstance(part, Image) or part.data or part.url not in self._fetched:
            return part
        found = self._fetched[part.url]
        return replace(part, media_type=found.media_type, data=found.data, url=None)
