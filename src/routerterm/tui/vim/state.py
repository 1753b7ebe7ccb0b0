"""What vim knows between two keys, and how it becomes another: changes that can be undone, insert mode, the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.tui.vim.grammar import Command
from routerterm.tui.vim.motions import letter_after, letter_before, line_end, line_start

Mode: TypeAlias = Literal["normal", "insert", "visual", "visual lines"]
Snapshot: TypeAlias = tuple[str, int]
MOST_UNDONE = 500


class Vim(Struct, frozen=True):
    """All that vim knows between two keys."""

    text: str = ""
    cursor: int = 0
    mode: Mode = "normal"
    keys: tuple[str, ...] = ()
    """Those of a command that is not whole yet."""
    register: str = ""
    """What was deleted or copied last; whole lines end in a line break."""
    named: Mapping[str, str] = {}
    """What was put into registers by their letters; 0 has what was copied last."""
    anchor: int = 0
    """Where the selection began, in visual mode."""
    undo: tuple[Snapshot, ...] = ()
    redo: tuple[Snapshot, ...] = ()
    sought: tuple[str, str] | None = None
    """How and which letter was sought last, for ``;`` and ``,``."""
    column: int | None = None
    """Where ``j`` and ``k`` want to be, as long as they follow one another."""
    changed: Command | None = None
    """The last change, for the dot."""
    typed: str = ""
    """What was typed in it."""
    begun: Snapshot | None = None
    """Text and cursor as insert mode began."""


def rested(vim: Vim) -> Vim:
    """With the cursor where normal mode has it: on a letter, and on the beginning of one."""
    at = max(0, min(vim.cursor, len(vim.text)))
    end = line_end(vim.text, at)
    if at == end:
        at = letter_before(vim.text, at)
    elif at > 0:
        at = max(letter_before(vim.text, letter_after(vim.text, at)), line_start(vim.text, at))
    return replace(vim, cursor=at)


def changing(vim: Vim, command: Command) -> Vim:
    """About to change: what stands here can be had back."""
    undo = (*vim.undo, (vim.text, vim.cursor))[-MOST_UNDONE:]
    return replace(vim, undo=undo, redo=(), changed=command, typed="")


def inserting(vim: Vim) -> Vim:
    """In insert mode from here on."""
    return replace(vim, mode="insert", begun=(vim.text, vim.cursor), column=None, keys=())


def given(vim: Vim, text: str, cursor: int) -> Vim:
    """The text became another by no key of vim's: a recalled prompt, a paste, an edit by the mouse."""
    if text == vim.text:
        return rested(replace(vim, cursor=cursor)) if vim.mode == "normal" else replace(vim, cursor=cursor)
    undo = (*vim.undo, (vim.text, vim.cursor))[-MOST_UNDONE:]
    vim = replace(vim, text=text, cursor=cursor, undo=undo, redo=(), keys=(), column=None)
    if vim.mode in ("visual", "visual lines"):
        vim = replace(vim, mode="normal")  # what was selected is not there any more
    return rested(vim) if vim.mode == "normal" else vim


def kept(vim: Vim, command: Command, text: str) -> Vim:
    """With a text in the register that the command names; a capital letter adds to it, ``_`` keeps nothing."""
    name = command.register
    if name == "_":
        return vim
    named = dict(vim.named)
    if command.operator == "y" and not name:
        named["0"] = text
    elif name.isupper():
        text = named.get(name.lower(), "") + text
    if name:
        named[name.lower()] = text
    return replace(vim, register=text, named=named)


def travel(vim: Vim, *, back: bool) -> Vim:
    """Undo, or redo."""
    here: Snapshot = (vim.text, vim.cursor)
    if back and vim.undo:
        text, cursor = vim.undo[-1]
        return rested(replace(vim, text=text, cursor=cursor, undo=vim.undo[:-1], redo=(*vim.redo, here)))
    if not back and vim.redo:
        text, cursor = vim.redo[-1]
        return rested(replace(vim, text=text, cursor=cursor, redo=vim.redo[:-1], undo=(*vim.undo, here)))
    return vim
