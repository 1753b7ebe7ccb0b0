"""The terminal: its size, colours, clipboard, whole frames, keys; tmux and the line to it."""

from __future__ import annotations

import asyncio
import locale
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator, Mapping

from routerterm.cli.doctor import CheckContext, Finding
from routerterm.cli.doctor.terminal_queries import Answers, ask

LEAST = (40, 12)
"""Columns and lines under which the chat is hard to use."""
SYNCHRONIZED, PASTE = 2026, 2004
_COPIES = ("kitty", "foot", "WezTerm", "iTerm", "ghostty", "Alacritty", "alacritty", "contour", "Windows Terminal")
_SLOW_ESCAPE = 100
"""Milliseconds that tmux may hold an Escape back before a person feels it."""
_COLOURS = {"truecolor": "16 million colours", "256": "256 colours", "16": "16 colours", "none": "no colours"}


async def look(_: CheckContext) -> AsyncGenerator[Finding]:
    """What the environment says first, then what the terminal answers, then tmux."""
    environ = os.environ
    size = shutil.get_terminal_size()
    for finding in of_the_environment(environ, (size.columns, size.lines), locale.getpreferredencoding(False)):
        yield finding
    answers = await asyncio.to_thread(ask) if os.name == "posix" else None
    for finding in of_the_answers(answers, environ):
        yield finding
    if environ.get("TMUX"):
        for finding in of_tmux(await asyncio.to_thread(_tmux)):
            yield finding


def of_the_environment(environ: Mapping[str, str], size: tuple[int, int], encoding: str) -> Iterator[Finding]:
    """Size, characters, colours and line, as far as the environment tells."""
    from routerterm.tui.terminal.colour import Depth, depth_of
    from routerterm.tui.terminal.line import meter_for

    name = environ.get("TERM", "") or "no TERM"
    columns, lines = size
    if columns < LEAST[0] or lines < LEAST[1]:
        yield Finding("bad", f"{columns}×{lines} is small.", f"The chat needs at least {LEAST[0]}×{LEAST[1]}.")
    else:
        yield Finding("good", f"{name}, {columns} columns and {lines} lines.")
    if encoding.lower().replace("-", "") != "utf8":
        yield Finding(
            "note", f"The locale's characters are {encoding}.", 'Set LANG=C.UTF-8, or glyphs = "ascii" in [ui].'
        )
    depth = depth_of(environ)
    hint = ""
    if environ.get("NO_COLOR"):
        hint = "NO_COLOR is set."
    elif depth is not Depth.TRUE:
        hint = "If your terminal has more: export COLORTERM=truecolor (SSH does not forward it by itself)."
    yield Finding("good" if depth is Depth.TRUE else "note", f"{_COLOURS[depth.value]}.".capitalize(), hint)
    line = meter_for("auto", environ)
    if line.remote:
        yield Finding(
            "note", f"The line is {line.why}: fewer frames, no animations.", "ssh -C compresses what goes over it."
        )


def of_the_answers(answers: Answers | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the terminal said of itself."""
    if answers is None:
        yield Finding("note", "The terminal was not queried: there is no terminal, or it does not answer.")
        return
    name = answers.name or environ.get("TERM_PROGRAM", "")
    yield Finding("good", f"{name or 'The terminal'} answers within {answers.seconds * 1000:.0f} ms.")
    if answers.modes.get(SYNCHRONIZED):
        yield Finding("good", "It supports synchronized output: frames do not tear.")
    else:
        yield Finding("note", "It has no synchronized output: a frame may tear now and then.")
    if not answers.modes.get(PASTE, True):
        yield Finding(
            "note", "It does not support bracketed paste.", "Use /editor for many lines: Enter would send each."
        )
    if answers.kitty:
        yield Finding("good", "It reports every key (kitty keyboard protocol).")
    else:
        yield Finding("note", "It cannot tell Shift+Enter from Enter.", "Ctrl+J or Alt+Enter starts a new line.")
    if environ.get("TMUX"):
        return
    if answers.clipboard or any(known in name for known in _COPIES):
        yield Finding("good", "It lets programs copy (OSC 52).")
    else:
        yield Finding("note", "It does not say whether programs may copy (OSC 52).", "Try y on a message and paste it.")


def of_tmux(values: Mapping[str, str]) -> Iterator[Finding]:
    """What tmux's options do to us; ``values`` by their names, without those that this tmux does not know."""
    copies = values.get("set-clipboard", "")
    if copies == "on":
        yield Finding("good", "tmux lets programs copy.")
    elif copies:
        yield Finding(
            "note", f"tmux keeps programs from copying (set-clipboard {copies}).", "tmux set -s set-clipboard on"
        )
    if values.get("allow-passthrough", "") == "off":
        yield Finding(
            "note",
            "tmux does not pass images through, so they are drawn in half blocks.",
            "tmux set -g allow-passthrough on",
        )
    wait = values.get("escape-time", "")
    if wait.isdecimal() and int(wait) > _SLOW_ESCAPE:
        yield Finding("note", f"tmux delays Escape by {wait} ms.", "tmux set -s escape-time 10")
    features = values.get("features", "")
    if features and "RGB" not in features.split(","):
        yield Finding(
            "note",
            "tmux does not know that the terminal has 16 million colours.",
            "tmux set -as terminal-features ',*:RGB'",
        )


def _tmux() -> dict[str, str]:
    """The options that matter."""
    asked = {
        "set-clipboard": ("show", "-sv", "set-clipboard"),
        "escape-time": ("show", "-sv", "escape-time"),
        "allow-passthrough": ("show", "-gv", "allow-passthrough"),
        "features": ("display", "-p", "#{client_termfeatures}"),
    }
    found = {}
    for name, words in asked.items():
        try:
            ran = subprocess.run(("tmux", *words), capture_output=True, text=True, timeout=3, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ran.returncode == 0:
            found[name] = ran.stdout.strip()
    return found
