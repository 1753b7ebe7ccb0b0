"""The shortest way for the cursor from one cell to another."""

from __future__ import annotations

_BACK = 4  # cells that are gone back one by one


def motion(x: int | None, y: int | None, to_x: int, to_y: int) -> str:
    """The bytes that move the cursor; ``None`` where a coordinate is not known.

    Only what every terminal has: CUP, CHA, CUU…CUB, CR, LF, BS.  A line feed is paired with a carriage
    return, because the line discipline may turn one into both.
    """
    if y == to_y and x == to_x:
        return ""
    if to_x:
        best = f"\x1b[{to_y + 1};{to_x + 1}H"
    elif to_y:
        best = f"\x1b[{to_y + 1}H"
    else:
        best = "\x1b[H"
    if y is None:
        return best
    candidates: list[str] = []
    if y == to_y:
        candidates.append(_within(x, to_x))
    elif x == to_x or to_x == 0:
        down = to_y - y
        vertical = "\x1b[" + (str(abs(down)) if abs(down) > 1 else "") + ("B" if down > 0 else "A")
        if x == to_x:
            candidates.append(vertical)
        if to_x == 0:
            candidates.append("\r" + vertical)
            if 0 < down < 4:
                candidates.append("\r" + "\n" * down)
    elif x is not None and abs(to_y - y) == 1 and 0 < x - to_x <= _BACK:
        candidates.append(("\x1b[B" if to_y > y else "\x1b[A") + "\b" * (x - to_x))
    elif 0 < to_y - y < 3:
        candidates.append("\r" + "\n" * (to_y - y) + _within(0, to_x))
    for candidate in candidates:
        if len(candidate) < len(best):
            best = candidate
    return best


def _within(x: int | None, to_x: int) -> str:
    """The shortest way within a row."""
    if to_x == 0:
        return "\r"
    best = f"\x1b[{to_x + 1}G"
    if x is None:
        return best
    step = to_x - x
    if -4 < step < 0:
        return "\b" * -step
    number = str(abs(step)) if abs(step) > 1 else ""
    relative = f"\x1b[{number}{'C' if step > 0 else 'D'}"
    return relative if len(relative) < len(best) else best
