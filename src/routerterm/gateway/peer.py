"""Whose program is at the other end of a connection on this machine: the kernel knows the user of a socket.

Linux alone tells it (sock_diag(7), and /proc/net/tcp where that is closed); elsewhere it stays unknown.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

Address = tuple[str, int]
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEAD = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBBI")
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_UID_AT = _HEAD.size + 4 + 48 + 12
"""Where ``idiag_uid`` lies in an answer: behind the head, the state, the socket's id and three counters."""
_WAIT = 0.2
"""Seconds for the kernel's answer, which comes at once or never."""


def is_own_user(client: Address, server: Address) -> bool:
    """Whether a connection comes from a program of the user that we run as; False where nothing tells."""
    return user_of(client, server) == os.geteuid()


def user_of(client: Address, server: Address) -> int | None:
    """The user whose socket is at ``client``, connected to us at ``server``; None where that is unknown."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        there, here = ip_address(client[0].partition("%")[0]), ip_address(server[0].partition("%")[0])
    except ValueError:
        return None
    if not (there.is_loopback or there == here):
        return None  # another machine's users are not ours
    with suppress(OSError, struct.error):
        if (found := _asked((there, client[1]), (here, server[1]))) is not None:
            return found
    with suppress(OSError, ValueError, IndexError):
        return _looked_up((there, client[1]), (here, server[1]))
    return None


_End = tuple[IPv4Address | IPv6Address, int]


def _asked(client: _End, server: _End) -> int | None:
    """By netlink: one question about one socket, however many there are."""
    family = socket.AF_INET if client[0].version == 4 else socket.AF_INET6
    ends = struct.pack("!HH16s16s", client[1], server[1], client[0].packed, server[0].packed)
    question = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends + _ANY_COOKIE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as link:
        link.settimeout(_WAIT)
        link.send(_HEAD.pack(_HEAD.size + len(question), _BY_FAMILY, _REQUEST, 0, 0) + question)
        answer = link.recv(4096)
    if _HEAD.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    found: int = struct.unpack_from("=I", answer, _UID_AT)[0]
    return found


def _looked_up(client: _End, server: _End) -> int | None:
    """In the kernel's table of connections: addresses in words of the machine's byte order, ports in network order."""
    wanted = [f"{_hex(address)}:{port:04X}" for address, port in (client, server)]
    table = Path("/proc/net/tcp" if client[0].version == 4 else "/proc/net/tcp6").read_text(encoding="ascii")
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == wanted:
            return int(fields[7])
    return None


def _hex(address: IPv4Address | IPv6Address) -> str:
    words = struct.unpack(f"={len(address.packed) // 4}I", address.packed)
    return "".join(f"{word:08X}" for word in words)
