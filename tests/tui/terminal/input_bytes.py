"""Bytes as terminals send them, and as none should: for the tests of the input, and the fuzzing of it."""

from __future__ import annotations

import random

REPLIES = [
    b"\x1b[?65;1;9c",
    b"\x1b[>1;10;0c",
    b"\x1b[>65;6800;1c",
    b"\x1bP!|00000000\x1b\\",
    b"\x1bP>|tmux 3.4\x1b\\",
    b"\x1bP>|WezTerm 20240203\x1b\\",
    b"\x1bP1+r544e=787465726d\x1b\\",
    b"\x1bP0+r\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b]11;rgb:00/00/00\x07",
    b"\x1b]4;1;rgb:cc/00/00\x07",
    b"\x1b]52;c;aGVsbG8gd29ybGQ=\x1b\\",
    b"\x1b]52;p;\x07",
    b"\x1b]21;foreground=rgb:00/00/00\x1b\\",
    b"\x1b]lwindow title\x1b\\",
    b"\x1b[?1u",
    b"\x1b[?29u",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b_Gi=31;ENOENT:no such file\x1b\\",
    b"\x1b[?2026;2$y",
    b"\x1b[?2048;2$y",
    b"\x1b[?69;4$y",
    b"\x1b[4;1$y",
    b"\x1b[24;80R",
    b"\x1b[?24;80;1R",
    b"\x1b[0n",
    b"\x1b[?997;1n",
    b"\x1b[4;600;800t",
    b"\x1b[6;16;8t",
    b"\x1b[8;24;80t",
    b"\x1b[48;9999;9999;0;0t",
    b"\x1b[1;1;1;1;8;1;0x",
    b"\x1b[?62;c",
]
KEYS = [
    b"\x1b[A",
    b"\x1bOB",
    b"\x1b[1;5C",
    b"\x1b[3~",
    b"\x1b[15;2~",
    b"\x1b[27;5;9~",
    b"\x1b[97;1:3u",
    b"\x1b[1094::119;5u",
    b"\x1b[57441;2u",
    b"\x1b[0;;233u",
    b"\x1b[13;2u",
    b"\x1b\r",
    b"\x1b\x7f",
    b"\x1bx",
    b"\x1b",
    b"\x1b\x1b[A",
    b"\x1b[[C",
    b"\x1b[3$",
    b"\r",
    b"\t",
    b"\x03",
    b"a",
    "é".encode(),
    "日".encode(),
    "\u200d".encode(),
    b"\x1b[<0;3;4M",
    b"\x1b[<64;3;4m",
    b"\x1b[M !!",
    b"\x1b[32;3;4M",
    b"\x1b[I",
    b"\x1b[200~pasted\rtext\x1b[201~",
]
PIECES = [
    b"\x1b[", b"\x1bO", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1b[?", b"\x1b[<", b"\x1b\\", b"\x07", b"\x9c",
    b";", b":", b"99999999999", b"1114112", b"55296", b"-1", b"$", b"u", b"~", b"M", b"t", b"R", b"y", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\x00", b"\x18", b"\x1b[200~", b"\x1b[201~", b"0" * 300, b"57358",
]  # fmt: skip


def noise(chance: random.Random) -> bytes:
    """A few things that a terminal may send, whole, broken, and in each other's middle."""
    parts = []
    for _ in range(chance.randint(1, 8)):
        match chance.randrange(5):
            case 0:
                parts.append(chance.choice(REPLIES))
            case 1:
                parts.append(chance.choice(KEYS))
            case 2:
                parts.append(chance.choice(PIECES))
            case 3:
                parts.append(chance.randbytes(chance.randint(1, 6)))
            case _:
                whole = bytearray(chance.choice(REPLIES + KEYS))
                whole[chance.randrange(len(whole))] = chance.randrange(256)
                parts.append(bytes(whole))
    return b"".join(parts)
