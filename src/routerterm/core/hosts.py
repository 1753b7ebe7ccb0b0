"""Which host is this machine, in every way that it can be written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is written as, also in the short forms that systems take (``127.1``, ``0x7f000001``).

    None for a name.
    """
    host = host.strip("[]").partition("%")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return _short(host)
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found


def is_loopback(host: str) -> bool:
    """Whether only this machine can be meant: localhost, all of 127/8, ::1, and ``*.localhost`` (RFC 6761)."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(name)
    return address is not None and address.is_loopback


def _short(host: str) -> IPv4Address | None:
    """An address as inet_aton takes it: one to four numbers, the last of which fills what is left of the 32 bits."""
    pieces = host.split(".")
    if len(pieces) > 4 or not all(piece[:1].isdigit() and piece.isascii() for piece in pieces):
        return None
    try:
        *first, last = [_number(piece) for piece in pieces]
        if any(number > 255 for number in first):
            return None
        high = sum(number << (24 - 8 * place) for place, number in enumerate(first))
        return IPv4Address(high + last) if last < 1 << (32 - 8 * len(first)) else None
    except ValueError:
        return None


def _number(text: str) -> int:
    """A number as C writes it: hexadecimal after 0x, octal after 0."""
    if text[:2].lower() == "0x":
        return int(text[2:], 16)
    return int(text, 8 if text[0] == "0" else 10)
