"""Which key a terminal means, in each of the encodings that terminals have: names as Textual has them.

Legacy sequences (xterm, VT, rxvt, the Linux console), xterm's modifyOtherKeys, and the kitty keyboard protocol
(https://sw.kovidgoyal.net/kitty/keyboard-protocol/) with event types, alternate keys and text as sub-parameters.
A number that can be no key, and a key that only modifies others, are nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Key

from routerterm.tui.textual_internals.text import is_text, key_name

_CONTROLS = {
    0x00: "ctrl+@",
    0x08: "backspace",
    0x09: "tab",
    0x0D: "enter",
    0x1B: "escape",
    0x1C: "ctrl+backslash",
    0x1D: "ctrl+right_square_bracket",
    0x1E: "ctrl+circumflex_accent",
    0x1F: "ctrl+underscore",
    0x7F: "backspace",
} | {code: f"ctrl+{chr(code + 96)}" for code in range(1, 27) if code not in (8, 9, 13)}

_FINALS = {
    "A": "up",
    "B": "down",
    "C": "right",
    "D": "left",
    "F": "end",
    "H": "home",
    "P": "f1",
    "Q": "f2",
    "R": "f3",
    "S": "f4",
}
"""Keys by the last letter of their sequence, with CSI and with SS3."""
_NUMBERED = {
    1: "home",
    2: "insert",
    3: "delete",
    4: "end",
    5: "pageup",
    6: "pagedown",
    7: "home",
    8: "end",
} | {
    number: f"f{index}"
    for index, number in enumerate(
        (11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34), start=1
    )
}
"""Keys by the number before the tilde."""
_KEYPAD = dict(zip("jklmnopqrstuvwxyX", "*+,-./0123456789=", strict=True))
"""What the numeric keypad sends with SS3."""
_RXVT = {"a": "shift+up", "b": "shift+down", "c": "shift+right", "d": "shift+left"}
_RXVT_ENDS = {"$": "shift+", "^": "ctrl+", "@": "ctrl+shift+"}

_FUNCTIONAL = {
    9: "tab",
    13: "enter",
    27: "escape",
    127: "backspace",
    57361: "print_screen",
    57362: "pause",
    57363: "menu",
    57414: "enter",
    57417: "left",
    57418: "right",
    57419: "up",
    57420: "down",
    57421: "pageup",
    57422: "pagedown",
    57423: "home",
    57424: "end",
    57425: "insert",
    57426: "delete",
} | {57376 + number: f"f{13 + number}" for number in range(23)}
_KEYPAD_TEXT = dict(zip(range(57399, 57417), "0123456789./*-+\r=,", strict=True))
_PRIVATE_KEYS = range(57344, 63744)
"""Where kitty puts keys without a character; those not named above only modify (Shift, Caps Lock) or play music."""

_SHIFT, _ALT, _CTRL = 1, 2, 4
_MODIFIERS = ((2, "alt"), (4, "ctrl"), (16, "hyper"), (32, "meta"), (1, "shift"), (8, "super"))
"""In the order in which Textual names them."""
_LOCKS = 64 | 128
_LAST = 0x10FFFF


def character_key(character: str) -> Key:
    """The key that sends this one character: a letter, or a control character."""
    name = _CONTROLS.get(ord(character)) if ord(character) < 0x80 else None
    return Key(name or key_name(character), character)


def alt_key(character: str) -> Key:
    """The key that sends ESC and this character."""
    match character:
        case "\t":
            return Key("shift+tab", None)  # the Linux console's
        case "\r" | "\x7f" | "\b":
            return Key(f"alt+{_CONTROLS[ord(character)]}", None)
        case _ if ord(character) < 0x20:
            return Key(f"alt+{_CONTROLS[ord(character)]}", None)
        case _ if len(character.lower()) == 1 and character.isupper():
            return Key(f"alt+shift+{character.lower()}", character)
        case _:
            return Key(f"alt+{key_name(character)}", character)


def console_key(letter: str) -> Key:
    """F1 to F5 of the Linux console (`CSI [ A` to `CSI [ E`)."""
    return Key(f"f{ord(letter) - 64}", None)


def application_key(parameters: str, final: str) -> Key | None:
    """The key of a sequence that begins with SS3; None where there is none."""
    if final == "M":
        return Key("enter", "\r")
    if final in _KEYPAD and not parameters:
        return character_key(_KEYPAD[final])
    if final in "abcd" and not parameters:
        return Key(_RXVT[final].replace("shift", "ctrl"), None)
    modifiers = _number(parameters.rpartition(";")[2])
    return _named(_FINALS.get(final), modifiers)


def rxvt_key(number: int, end: str) -> Key | None:
    """A key with Shift, Control or both, as rxvt sends it."""
    name = _NUMBERED.get(number)
    return Key(_RXVT_ENDS[end] + name, None) if name else None


def sequence_keys(parameters: str, final: str) -> Sequence[Key]:
    """The keys of a CSI sequence without a private mark; none where it is no key, or one that was let go."""
    if final == "Z":
        return [Key("shift+tab", None)]
    if final in _RXVT and not parameters:
        return [Key(_RXVT[final], None)]
    fields = [field.split(":") for field in parameters.split(";")] if parameters else [[""]]
    code = _number(fields[0][0], default=0 if final == "~" else 1)
    modified = fields[1] if len(fields) > 1 else [""]
    modifiers = _number(modified[0], default=1)
    if code is None or modifiers is None or (len(modified) > 1 and _number(modified[1], default=1) not in (1, 2)):
        return ()
    if final == "u":
        return _kitty(fields, modifiers)
    if final == "~" and code == 27 and len(fields) > 2:  # modifyOtherKeys
        return _kitty([fields[2]], modifiers)
    if final == "R" and code != 1:
        return ()  # the position of the cursor
    name = _NUMBERED.get(code) if final == "~" else _FINALS.get(final)
    if (final == "A" and code == 5) or (final in "BCD" and code == 5):
        modifiers = 5  # an old way to say Ctrl
    key = _named(name, modifiers)
    return [key] if key else ()


def _kitty(fields: list[list[str]], modifiers: int) -> Sequence[Key]:
    """Keys by their code points: the key itself, the one with Shift, the one in its place on a Latin layout."""
    codes = [_number(code, default=0) for code in fields[0]]
    codes += [0] * (3 - len(codes))
    code, shifted, base = codes[:3]
    if code is None or code in (57358, 57359, 57360):
        return ()
    bits = max(modifiers - 1, 0) & ~_LOCKS
    texts = _texts(fields[2]) if len(fields) > 2 else ""
    if texts and not bits & ~(_SHIFT | _ALT):
        # With Alt too: on some layouts Alt Gr, or Option, is what makes the letter.
        return [character_key(text) for text in texts]
    if name := _FUNCTIONAL.get(code):
        key = _named(name, bits + 1)
        return [key] if key else ()
    if code in _KEYPAD_TEXT:
        code = ord(_KEYPAD_TEXT[code])
    elif code in _PRIVATE_KEYS:
        return ()
    if bits & ~_SHIFT:
        if code > 0x7F and base:
            code = base
        return _chord(code, bits)
    if bits & _SHIFT:
        code = shifted or (ord(chr(code).upper()) if len(chr(code).upper()) == 1 else code)
    return [character_key(chr(code))] if code >= 0x20 and is_text(chr(code)) else ()


def _chord(code: int, bits: int) -> Sequence[Key]:
    """A character's key with Control, Alt and the like."""
    character = chr(code)
    if code < 0x20 or not is_text(character):
        return ()
    if len(character.lower()) == 1 and character.isupper():
        character, bits = character.lower(), bits | _SHIFT
    if bits == _CTRL and character == " ":
        return [Key("ctrl+@", "\x00")]
    return [Key(_prefix(bits) + key_name(character), None)]


def _texts(fields: list[str]) -> str:
    """The text that a key brings: characters only, no controls."""
    numbers = [_number(field, default=0) for field in fields]
    return "".join(chr(number) for number in numbers if number and number >= 0x20 and is_text(chr(number)))


def _named(name: str | None, modifiers: int | None) -> Key | None:
    """A key by its name, with modifiers as they are sent: their bits and one."""
    if name is None or modifiers is None:
        return None
    prefix = _prefix(max(modifiers - 1, 0) & ~_LOCKS)
    characters = {"enter": "\r", "tab": "\t", "backspace": "\x7f", "escape": "\x1b"}
    return Key(prefix + name, None if prefix else characters.get(name))


def _prefix(bits: int) -> str:
    return "".join(f"{name}+" for bit, name in _MODIFIERS if bits & bit)


def _number(digits: str, *, default: int = 1) -> int | None:
    """A number of a sequence; None where it is beyond what can be a character."""
    if not digits:
        return default
    if len(digits) > 7 or not digits.isascii() or not digits.isdigit():
        return None
    number = int(digits)
    return number if number <= _LAST else None
