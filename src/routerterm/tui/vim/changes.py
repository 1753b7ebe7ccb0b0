"""What commands do to a stretch of the text.  Pure."""

from __future__ import annotations

from msgspec.structs import replace

from routerterm.tui.vim import motions
from routerterm.tui.vim.grammar import Command
from routerterm.tui.vim.state import Vim, changing, inserting, kept, rested

LONGEST = 1_000_000
"""Characters that a count may make of a text."""
INDENT = "    "


def whole(text: str, lines: bool) -> str:
    """As a register has it: whole lines end in a line break."""
    return text + "\n" if lines and not text.endswith("\n") else text


def delete(vim: Vim, command: Command, start: int, end: int, lines: bool) -> Vim:
    """``d``."""
    changed = kept(changing(vim, command), command, whole(vim.text[start:end], lines))
    if lines and end == len(vim.text) and start > 0 and not vim.text[start:end].endswith("\n"):
        start -= 1  # the last line takes the break before it along
    text = vim.text[:start] + vim.text[end:]
    changed = rested(replace(changed, text=text, cursor=start))
    return replace(changed, cursor=motions.first_word(text, changed.cursor)) if lines else changed


def change(vim: Vim, command: Command, start: int, end: int, lines: bool) -> Vim:
    """``c``: whole lines keep their indentation and their line break."""
    changed = kept(changing(vim, command), command, whole(vim.text[start:end], lines))
    if lines:
        end = end - 1 if vim.text[start:end].endswith("\n") else end
        start = start + len(vim.text[start:end]) - len(vim.text[start:end].lstrip(" \t"))
    return inserting(replace(changed, text=vim.text[:start] + vim.text[end:], cursor=start))


def indent(vim: Vim, command: Command, start: int, end: int) -> Vim:
    """``<`` and ``>``."""
    lines = vim.text[start:end].split("\n")
    if command.operator == ">":
        moved = [INDENT + line if line else line for line in lines]
    else:
        moved = [line[min(len(line) - len(line.lstrip(" ")), len(INDENT)) :] for line in lines]
    text = vim.text[:start] + "\n".join(moved) + vim.text[end:]
    if len(text) > LONGEST:
        return vim
    return rested(replace(changing(vim, command), text=text, cursor=motions.first_word(text, start)))
