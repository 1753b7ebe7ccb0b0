"""A web page as a part of a message: fetched within limits, from no private address, and reduced to its text."""

from __future__ import annotations

import asyncio
import codecs
import re
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from html.parser import HTMLParser
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.hosts import address_of, is_loopback
from routerterm.core.messages import Image, Part
from routerterm.engine.chat.attachments import LARGEST_TEXT, part_of
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.images import sniffed_type
from routerterm.router.transports.base import HttpResponse, Timeouts, Transport

LARGEST = 5_000_000
"""Bytes of a page, before its text is taken out."""
PATIENCE = 20.0
"""Seconds for all of it."""
MOST_HOPS = 5
"""Redirects that are followed."""
_MOVED = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "text/html,text/plain,text/markdown,application/json,application/pdf,image/*;q=0.8,*/*;q=0.5"

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host."""


class PrivateAddress(RoutertermError):
    """The page would come from this machine or its network, and nobody said that it may."""


class Fetched(Struct, frozen=True):
    """A page as a part of a message."""

    part: Part
    name: str


class Fetching(Protocol):
    """Fetches a page.  Raises `RoutertermError`."""

    async def __call__(self, address: str, *, private: bool = False) -> Fetched:
        """``private``: also from this machine and its network."""
        ...


async def resolved(host: str) -> Sequence[str]:
    """The addresses of a host, as this machine finds them.  Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


async def fetch_page(
    address: str,
    transport: Transport,
    *,
    private: bool = False,
    links: bool = False,
    resolve: Resolve = resolved,
) -> Fetched:
    """Fetch it and take its text out.  Raises `RoutertermError`; `PrivateAddress` unless ``private``.

    The host is resolved before each hop, and so a page cannot send us to the network at home.  ``links``: with the
    addresses of its links, as Markdown has them.
    """
    host = urlsplit(address).hostname or ""
    try:
        async with asyncio.timeout(PATIENCE):
            body, content_type, last = await _followed(address, transport, private, resolve)
    except TimeoutError:
        raise RoutertermError(f"{host} did not send the page within {PATIENCE:g} seconds.") from None
    except ProviderError as error:
        raise RoutertermError(f"The page was not fetched: {error.message}") from error
    name = _name(last)
    part = await asyncio.to_thread(_part, body, content_type, name, last if links else "")
    return Fetched(part, name)


async def fetch_over_network(address: str, proxy: str | None, *, private: bool = False, links: bool = False) -> Fetched:
    """`fetch_page` over a connection of its own, by way of the ``proxy`` of the settings.  Raises `RoutertermError`.

    Only addresses that `fetch_page` would let pass are connected to, whatever the name leads to by then.
    """
    from routerterm.router.transports.http import HttpTransport

    transport = HttpTransport(proxy, allowed=None if private else is_public)
    try:
        return await fetch_page(address, transport, private=private, links=links)
    finally:
        await transport.aclose()


async def fetch_picture(address: str, transport: Transport, *, resolve: Resolve = resolved) -> Image:
    """The picture at an address on the Internet, within the same limits.  Raises `RoutertermError`."""
    host = urlsplit(address).hostname or ""
    try:
        async with asyncio.timeout(PATIENCE):
            body, _, _ = await _followed(address, transport, False, resolve, what="image")
    except TimeoutError:
        raise RoutertermError(f"{host} did not send it within {PATIENCE:g} seconds.") from None
    kind = sniffed_type(body)
    if not kind:
        raise RoutertermError("It is not an image.", "As in https://example.org/image.png.")
    return Image(kind, body)


async def _followed(
    address: str, transport: Transport, private: bool, resolve: Resolve, what: str = "page"
) -> tuple[bytes, str, str]:
    for _ in range(MOST_HOPS + 1):
        await _check(address, private, resolve)
        request = HttpRequest("GET", address, (("accept", _ACCEPT),), b"")
        async with transport.exchange(request, Timeouts()) as answer:
            moved = answer.headers.get("location", "")
            if answer.status not in _MOVED or not moved:
                if answer.status != 200:
                    raise RoutertermError(
                        f"{urlsplit(address).hostname} answered {answer.status} instead of {_a(what)}."
                    )
                return await _body(answer, address, what), answer.headers.get("content-type", ""), address
            address = urljoin(address, moved)
    raise RoutertermError(f"The {what} was moved more than {MOST_HOPS} times.")


async def _check(address: str, private: bool, resolve: Resolve) -> None:
    """Raises `RoutertermError` for what is no address of a page, `PrivateAddress` for one at home."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise RoutertermError("That is not an address on the web.", "As in https://example.org/page.")
    if parts.username is not None or parts.password is not None:
        raise RoutertermError("An address with a password in it is not fetched.", "Take the part before the @ out.")
    if private:
        return
    written = address_of(host)
    try:
        found: Sequence[str]
        if written is not None:
            found = [str(written)]
        elif is_loopback(host):
            found = ["127.0.0.1"]
        else:
            found = await resolve(host)
    except OSError:
        raise RoutertermError(
            f"There is no host {host}.", "Is the address right, and is this machine online?"
        ) from None
    if not all(map(is_public, found)):
        raise PrivateAddress(f"{host} is on this machine or its network.", "")


_HOLD_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Addresses that lead to the IPv4 address in them: NAT64 (RFC 6052), and the old form."""
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Whether an IP address is on the Internet, rather than on this machine or its network."""
    ip = address_of(address)
    if isinstance(ip, IPv6Address):
        if ip.is_site_local or ip in _LOCAL_NAT64:
            return False
        inner = ip.sixtofour or (IPv4Address(int(ip) & 0xFFFF_FFFF) if any(ip in net for net in _HOLD_IPV4) else None)
        ip = inner or ip
    return ip is not None and ip.is_global and not ip.is_multicast


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


async def _body(answer: HttpResponse, address: str, what: str) -> bytes:
    body = bytearray()
    async for data in answer.body:
        body += data
        if len(body) > LARGEST:
            size = LARGEST // 1_000_000
            raise RoutertermError(f"The {what} of {urlsplit(address).hostname} is larger than {size} MB.")
    return bytes(body)


def _part(body: bytes, content_type: str, name: str, base: str = "") -> Part:
    """The text of the page, or the picture that it is.  With the address of the page, ``base``, links are kept."""
    kind, _, rest = content_type.lower().partition(";")
    found = re.search(r"charset=[\"']?([\w.:-]+)", rest) or re.search(
        rb"<meta[^>]+charset=[\"']?([\w.:-]+)", body[:2048]
    )
    said = found[1] if found else "utf-8"
    charset = _charset(said.decode("ascii", "replace") if isinstance(said, bytes) else said)
    if kind.strip() not in ("text/html", "application/xhtml+xml") or body.startswith(b"%PDF-"):
        return part_of(body, name, charset="utf-8-sig" if charset == "utf-8" else charset)
    text = html_text(body.decode(charset, "replace"), base)
    if not text:
        raise RoutertermError(f"{name} has no text in it.", "Pages that a script fills in the browser come empty.")
    return part_of(text.encode()[:LARGEST_TEXT].decode(errors="ignore").encode(), name)


_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-sig|-le|-be)?|iso8859-\d+|iso2022_\w+|cp\d+|koi8-\w|gb\w+|big5\w*|hz|shift_jis\w*|euc_\w+"
    r"|mac-\w+|tis-620"
)


def _charset(said: str) -> str:
    """Python's name of a page's character set; UTF-8 for what is none.

    Python knows codecs that no page is written in: some never end on a large page, some give half characters.
    """
    try:
        name = codecs.lookup(said).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _CHARSETS.fullmatch(name) else "utf-8"


def _name(address: str) -> str:
    """``example.org/page``: what the chip and the model read."""
    parts = urlsplit(address)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def html_text(html: str, base: str = "") -> str:
    """The words of a page, a block to a paragraph; nothing of scripts, styles, menus and forms.

    With ``base``, the page's own address, links are written as Markdown has them.
    """
    reader = _TextReader(base)
    reader.feed(_closed(html))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace("\0", "").strip()


def _closed(html: str) -> str:
    """The page without comments, and without what is opened at its end and never closed.

    `HTMLParser` looks for the end of each of those through all of the page: minutes for one of 50 kB made so.
    """
    pieces, at = [], 0
    while (begins := html.find("<!--", at)) >= 0:
        pieces.append(html[at:begins])
        ends = html.find("-->", begins + 2)  # `<!-->` is a whole one
        at = ends + 3 if ends >= 0 else len(html)
    whole = ("".join(pieces) + html[at:]).replace("<![", "<!")
    end = whole.rfind(">") + 1
    return whole[:end] + whole[end:].partition("<")[0]


_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "nav", "iframe", "select", "button"})
_BLOCKS = frozenset(
    """address article aside blockquote br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li
    main ol p pre section table td th title tr ul""".split()  # noqa: SIM905 - as a list it would be forty lines
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}


class _TextReader(HTMLParser):
    """Collects the text between tags."""

    def __init__(self, base: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._base = base
        self._link = ""
        self._skipping = ""
        self._depth = 0
        self._until = time.monotonic() + PATIENCE

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; what is skipped is skipped to its own end.  Raises `RoutertermError`."""
        self._in_time()
        if self._skipping:
            self._depth += tag == self._skipping
        elif tag in _SKIPPED:
            self._skipping, self._depth = tag, 1
        elif tag == "a" and self._base and not self._link:
            self._open_link(dict(attrs).get("href") or "")
        elif tag in _BLOCKS:
            heading = _HEADINGS.get(tag, "- " if tag == "li" else "")
            self.pieces.append(("\n" if tag in ("br", "li", "tr", "dt", "dd") else "\n\n") + heading)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<br/>``; an empty ``<script/>`` skips nothing."""
        if not self._skipping and tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """The end of a block, or of what was skipped."""
        if self._skipping:
            self._depth -= tag == self._skipping
            self._skipping = self._skipping if self._depth else ""
        elif tag == "a" and self._link:
            self.pieces.append(f"]({self._link})")
            self._link = ""
        elif tag in _BLOCKS:
            self.pieces.append(" " if tag in ("td", "th") else "\n")

    def _in_time(self) -> None:
        """A thread cannot be stopped, so it stops itself."""
        if time.monotonic() > self._until:
            raise RoutertermError("The page is made so that its text cannot be taken out in reasonable time.")

    def _open_link(self, href: str) -> None:
        """A link to another page; one within the page, or to something that is none, is its words alone."""
        try:
            address = urljoin(self._base, href.strip())
        except ValueError:
            return
        if href and not href.startswith("#") and address.startswith(("http://", "https://")) and len(address) < 500:
            self._link = address.replace(" ", "%20").replace(")", "%29").replace("\n", "")
            self.pieces.append("[")

    def handle_data(self, data: str) -> None:
        """Words; their line breaks are blanks.  Raises `RoutertermError`."""
        self._in_time()
        if not self._skipping:
            self.pieces.append(data.replace("\n", " "))
