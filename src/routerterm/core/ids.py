"""ULIDs: 128-bit ids that sort by the time they were made.

48 bits of milliseconds and 80 bits of chance in Crockford's base 32, 26 characters
(the ULID specification).  Time and chance come as arguments.
"""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(milliseconds: int, chance: bytes) -> str:
    """The id of something made at ``milliseconds`` since the epoch; ``chance`` is ten random bytes."""
    if len(chance) != 10 or not 0 <= milliseconds < 1 << 48:
        raise ValueError("a ULID takes 48 bits of time and ten random bytes")
    number = milliseconds << 80 | int.from_bytes(chance, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_time(value: str) -> int:
    """The milliseconds since the epoch in an id."""
    number = 0
    for letter in value[:10].upper():
        number = number << 5 | _ALPHABET.index(letter)
    return number
