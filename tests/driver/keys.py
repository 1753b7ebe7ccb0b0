"""What a terminal sends for a key, in the encoding that every terminal has."""

from __future__ import annotations

NAMED = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "escape": "\x1b",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "insert": "\x1b[2~",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f7": "\x1b[18~",
    "f8": "\x1b[19~",
    "f9": "\x1b[20~",
    "f10": "\x1b[21~",
    "f11": "\x1b[23~",
    "f12": "\x1b[24~",
}
_FINAL = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_TILDE = {"insert": 2, "delete": 3, "pageup": 5, "pagedown": 6}
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4}


def bytes_of(key: str) -> str:
    """What is sent for a key by its name, with its modifiers before it; a letter is itself."""
    if len(key) == 1 or key in NAMED:
        return NAMED.get(key, key)
    *modifiers, base = key.split("+")
    number = 1 + sum(_MODIFIERS[modifier] for modifier in modifiers)
    if base in _FINAL:
        return f"\x1b[1;{number}{_FINAL[base]}"
    if base in _TILDE:
        return f"\x1b[{_TILDE[base]};{number}~"
    if modifiers == ["alt"]:
        return f"\x1b{bytes_of(base)}"
    if modifiers == ["ctrl"] and len(base) == 1:
        return chr(ord(base.upper()) & 0x1F)
    raise ValueError(f"no terminal sends {key}")
