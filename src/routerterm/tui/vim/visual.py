"""vim's visual mode: what is selected, and what is done to it.  Pure."""

from __future__ import annotations

from msgspec.structs import replace

from routerterm.tui.vim import motions
from routerterm.tui.vim.changes import change, delete, indent, whole
from routerterm.tui.vim.grammar import Command
from routerterm.tui.vim.motions import letter_after, line_end, line_start
from routerterm.tui.vim.state import Vim, changing, kept, rested

VERBS = ("visual", "visual lines")
"""The verbs of what was done to a selection, for the dot: so many letters or lines once more."""
_SAME = {"x": "d", "X": "d", "s": "c", "S": "c", "R": "c", "D": "d", "C": "c", "Y": "y", "delete": "d"}
_OF_LINES = frozenset("XSRDCY")
"""Commands that take whole lines whatever was selected."""
_OPERATORS = frozenset("dcy<>~uUJpP")


def press(vim: Vim, keys: tuple[str, ...]) -> Vim | None:
    """The state after a key in visual mode; None where it is no key of its own, but perhaps a motion."""
    if keys[0] == '"' and len(keys) < 3:
        return replace(vim, keys=keys)
    register, rest = (keys[1], keys[2:]) if keys[0] == '"' else ("", keys)
    while len(rest) > 1 and rest[0].isdigit():  # how often a motion is made: a selection is taken once
        rest = rest[1:]
    key = rest[0]
    if key in "ia":
        return replace(vim, keys=keys) if len(rest) == 1 else _object(replace(vim, keys=()), rest)
    if key == "r":
        return replace(vim, keys=keys) if len(rest) == 1 else _done(vim, "r", register, rest[1])
    if len(rest) > 1:
        return None
    vim = replace(vim, keys=())
    if key in "vV":
        mode = "visual" if key == "v" else "visual lines"
        return rested(replace(vim, mode="normal" if vim.mode == mode else mode))
    if key == "o":
        return replace(vim, anchor=vim.cursor, cursor=vim.anchor)
    operator = _SAME.get(key, key)
    if operator not in _OPERATORS:
        return None
    return _done(replace(vim, mode="visual lines") if key in _OF_LINES else vim, operator, register)


def span(vim: Vim) -> tuple[int, int]:
    """Where the selection begins and ends in the text; the letter under the cursor is in it."""
    start, end = sorted((vim.anchor, vim.cursor))
    if vim.mode == "visual lines":
        return line_start(vim.text, start), min(line_end(vim.text, end) + 1, len(vim.text))
    end = letter_after(vim.text, end) if end != line_end(vim.text, end) else min(end + 1, len(vim.text))
    return start, end


def again(vim: Vim, command: Command) -> Vim:
    """What was done to a selection, to as many letters or lines from the cursor on."""
    text, at, count = vim.text, vim.cursor, command.count or 1
    if command.verb == "visual lines":
        start = end = line_start(text, at)
        for _ in range(count):
            end = min(line_end(text, end) + 1, len(text))
        return _over(vim, command, start, end)
    end = at
    for _ in range(count):
        end = letter_after(text, end) if end != line_end(text, end) else min(end + 1, len(text))
    return _over(vim, command, at, end)


def _object(vim: Vim, keys: tuple[str, ...]) -> Vim:
    """The selection is a text object."""
    around, name = keys[0] == "a", keys[1]
    found = motions.span_of(vim.text, vim.cursor, name, around) if name in motions.OBJECTS else None
    if found is None or found.start == found.end:
        return vim
    return replace(vim, anchor=found.start, cursor=motions.letter_before(vim.text, found.end))


def _done(vim: Vim, operator: str, register: str, letter: str = "") -> Vim:
    """Do it to the selection, which is none afterwards."""
    start, end = span(vim)
    selected = vim.text[start:end]
    lines = vim.mode == "visual lines"
    count = whole(selected, lines).count("\n") if lines else len(selected)
    command = Command(vim.mode, count, operator, letter, register)
    return _over(replace(vim, mode="normal", keys=(), cursor=start, column=None), command, start, end)


def _over(vim: Vim, command: Command, start: int, end: int) -> Vim:
    lines = command.verb == "visual lines"
    if start == end and not lines:
        return vim
    text, selected, cursor = vim.text, vim.text[start:end], start
    match command.operator:
        case "y":
            return rested(replace(kept(vim, command, whole(selected, lines)), cursor=start))
        case "d":
            return delete(vim, command, start, end, lines)
        case "c":
            return change(vim, command, start, end, lines)
        case "<" | ">":
            first, last = line_start(text, start), end if lines else min(line_end(text, end - 1) + 1, len(text))
            return indent(vim, command, first, last)
        case "p" | "P":
            put = vim.named.get(command.register.lower(), "") if command.register else vim.register
            made = put.rstrip("\n") if put.endswith("\n") and not lines else put
            made = made + "\n" if lines and selected.endswith("\n") and not made.endswith("\n") else made
            cursor = start if lines else max(start, start + len(made) - 1)
            vim = kept(vim, Command("d"), whole(selected, lines)) if command.operator == "p" else vim
        case "J":
            made = _joined(selected)
        case "r":
            made = "".join("\n" if each == "\n" else command.letter for each in selected)
        case "u":
            made = selected.lower()
        case "U":
            made = selected.upper()
        case _:
            made = selected.swapcase()
    return rested(replace(changing(vim, command), text=text[:start] + made + text[end:], cursor=cursor))


def _joined(selected: str) -> str:
    """Several lines as one, with a blank between; the line break at the end stays."""
    ends = "\n" if selected.endswith("\n") else ""
    first, *others = selected.removesuffix("\n").split("\n")
    return " ".join([first, *(line.strip(" \t") for line in others)]) + ends
