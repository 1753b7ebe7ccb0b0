"""Numbers of things, and sizes, in words."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """``1 retry``, ``1,204 requests``; ``many`` where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_bytes(size: int) -> str:
    """``812 B``, ``12 kB``, ``1.2 MB``, ``93 MB``, ``1.2 GB``: of a thousand each, as systems show files."""
    if size < 1000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1000:.0f} kB"
    amount, unit = (size / 1e6, "MB") if size < 999_500_000 else (size / 1e9, "GB")
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"


def alarm(share: float) -> str:
    """How much of a limit is used, without colour: ``!`` from four fifths, ``!!`` where there is nothing left."""
    if share >= 1:
        return "!!"
    if share >= 0.8:
        return "!"
    return ""
