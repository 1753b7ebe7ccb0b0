"""How to call a person to a terminal that is not looked at, and what stands in its title.  Pure.

A title never holds a word of a conversation: it is seen in task bars, screen shares and tmux's status line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Call: TypeAlias = Literal["bell", "osc9", "osc777", "off"]
TitleState: TypeAlias = Literal["idle", "answering", "ready", "asking"]

KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
_NINE = {"iTerm.app", "WezTerm", "ghostty", "kitty"}
_SEVENS = ("foot", "rxvt")


def call_of(setting: str, environ: Mapping[str, str]) -> Call:
    """How this terminal can be made to call; `bell` works everywhere, also through tmux and screen."""
    if setting in ("bell", "off"):
        return "bell" if setting == "bell" else "off"
    if environ.get("TMUX") or environ.get("STY"):
        return "bell"  # they keep notifications to themselves, and mark the window on a bell
    term = environ.get("TERM", "")
    if environ.get("TERM_PROGRAM") in _NINE or term in ("xterm-kitty", "xterm-ghostty"):
        return "osc9"
    if term.startswith(_SEVENS) or environ.get("VTE_VERSION"):
        return "osc777"
    return "osc9" if setting == "notify" else "bell"


def call(how: Call, words: str) -> str:
    """What is sent to the terminal."""
    match how:
        case "bell":
            return "\x07"
        case "osc9":
            return f"\x1b]9;{_safe(words)}\x1b\\"
        case "osc777":
            return f"\x1b]777;notify;routerterm;{_safe(words)}\x1b\\"
        case "off":
            return ""


def title(mood: TitleState, *, ascii_only: bool = False) -> str:
    """The window's title for the moment."""
    more = {
        "idle": "routerterm",
        "answering": f"{'...' if ascii_only else '…'} routerterm",
        "ready": "* routerterm: answer complete",
        "asking": "! routerterm: your input is needed",
    }
    return f"\x1b]2;{more[mood]}\x1b\\"


def _safe(words: str) -> str:
    return "".join(letter for letter in words if letter.isprintable() and letter != ";")
