"""vim's normal mode as a pure function: a frozen state and a key in, a frozen state out.

In insert mode the keys are the text area's own: `entered` tells the engine what came of them when it is left.
"""

from __future__ import annotations

from msgspec.structs import replace

from routerterm.tui.vim import motions, visual
from routerterm.tui.vim.changes import LONGEST, change, delete, indent, whole
from routerterm.tui.vim.grammar import MOTIONS, WITH_LETTER, Command, parse
from routerterm.tui.vim.motions import Move, letter_after, letter_before, line_end, line_start
from routerterm.tui.vim.state import Vim, changing, inserting, kept, rested, travel

_ARROWS = {
    "left": "h",
    "right": "l",
    "up": "k",
    "down": "j",
    "home": "0",
    "end": "$",
    "backspace": "h",
    "space": "l",
    "delete": "x",
}
_SHORT = {"x": "dl", "X": "dh", "D": "d$", "C": "c$", "s": "cl", "S": "cc", "Y": "yy"}
"""Commands that are another one, written shorter."""


def press(vim: Vim, key: str) -> Vim:
    """The state after a key in normal mode: a letter, or a name such as ``escape``, ``left`` or ``ctrl+r``."""
    if key == "escape":
        return replace(vim, keys=(), mode="normal")
    if key == "ctrl+r":
        return travel(replace(vim, keys=(), mode="normal"), back=False)
    waits = bool(vim.keys) and vim.keys[-1] in WITH_LETTER and parse(vim.keys) == "more"
    if not waits:
        key = _ARROWS.get(key, key)
    elif key == "space":
        key = " "
    if len(key) != 1:
        return replace(vim, keys=())
    keys = (*vim.keys, key)
    if vim.mode != "normal" and (selected := visual.press(vim, keys)) is not None:
        return selected
    found = parse(keys)
    if found == "more":
        return replace(vim, keys=keys)
    vim = replace(vim, keys=())
    if found == "none" or (vim.mode != "normal" and not _is_motion(found)):
        return vim
    return run(vim, found)


def run(vim: Vim, command: Command) -> Vim:
    """The state after a whole command."""
    if command.verb in _SHORT and not command.operator:
        longer = _SHORT[command.verb]
        operator, verb = longer[0], longer[1]
        if command.verb == "s" and _is_empty_line(vim):
            return run(vim, Command("i"))
        verb = "line" if verb == operator else verb
        return run(vim, Command(verb, command.count, operator, register=command.register))
    column = vim.column if command.verb in "jk" and not command.operator else None
    vim = replace(vim, column=column)
    if command.verb in visual.VERBS:
        return visual.again(vim, command)
    if command.operator:
        return _operate(vim, command)
    if _is_motion(command):
        return _go(vim, command)
    match command.verb:
        case "u":
            for _ in range(command.count or 1):
                vim = travel(vim, back=True)
            return vim
        case ".":
            return _again(vim, command.count)
        case "p" | "P":
            return _put(vim, command)
        case "r":
            return _replace_letters(vim, command)
        case "~":
            return _swap_case(vim, command)
        case "J":
            return _join(vim, command)
        case "v" | "V":
            return replace(vim, mode="visual" if command.verb == "v" else "visual lines", anchor=vim.cursor)
    return _insert(vim, command)


def _is_motion(command: Command) -> bool:
    return not command.operator and (command.verb in MOTIONS or command.verb in ("gg", ";", ",", *"fFtT"))


# -- moving ------------------------------------------------------------------------------------------------


def _move(vim: Vim, command: Command) -> tuple[Vim, Move | None]:
    """Where a motion leads, with what is remembered of it."""
    verb, letter, again = command.verb, command.letter, False
    if verb in ";,":
        if vim.sought is None:
            return vim, None
        how, letter = vim.sought
        verb, again = (how if verb == ";" else how.swapcase()), True
    elif verb in "fFtT":
        vim = replace(vim, sought=(verb, letter))
    if verb in "fFtT":
        return vim, motions.find(vim.text, vim.cursor, verb, letter, command.count or 1, again=again)
    column = vim.column if vim.column is not None else vim.cursor - line_start(vim.text, vim.cursor)
    if verb in "jk":
        vim = replace(vim, column=column)
    return vim, motions.move(vim.text, vim.cursor, verb, command.count, column)


def _go(vim: Vim, command: Command) -> Vim:
    vim, move = _move(vim, command)
    return vim if move is None else rested(replace(vim, cursor=move.to))


# -- operators ---------------------------------------------------------------------------------------------


def _operate(vim: Vim, command: Command) -> Vim:
    vim, reach = _reach(vim, command)
    if reach is None:
        return vim
    start, end, lines = reach
    match command.operator:
        case "y":
            at = start if not lines or command.verb in ("k", "gg", "G") else vim.cursor
            copied = kept(vim, command, whole(vim.text[start:end], lines))
            return rested(replace(copied, cursor=min(at, vim.cursor)))
        case "d":
            return delete(vim, command, start, end, lines)
        case "c":
            return change(vim, command, start, end, lines)
    return indent(vim, command, start, end)


def _reach(vim: Vim, command: Command) -> tuple[Vim, tuple[int, int, bool] | None]:
    """The stretch that an operator acts on, and whether it is whole lines."""
    text, at = vim.text, vim.cursor
    if command.verb == "line":
        last = at
        for _ in range((command.count or 1) - 1):
            last = min(line_end(text, last) + 1, len(text))
        return vim, (line_start(text, at), min(line_end(text, last) + 1, len(text)), True)
    if command.verb in "ia":
        span = motions.span_of(text, at, command.letter, command.verb == "a", command.count or 1)
        return vim, None if span is None else (span.start, span.end, command.operator in "<>")
    if command.operator == "c" and command.verb in "wW" and text[at : at + 1].strip():
        command = replace(command, verb="e" if command.verb == "w" else "E")  # as vi has it: cw leaves the blanks
        if (command.count or 1) == 1 and motions.word_end(text, at, command.verb == "E") > at:
            here = motions.span_of(text, at, "W" if command.verb == "E" else "w", False)
            if here is not None:
                return vim, (at, here.end, False)
        elif (command.count or 1) == 1:
            return vim, (at, letter_after(text, at), False)
    vim, move = _move(vim, command)
    if move is None:
        return vim, None
    start, end = min(at, move.to), max(at, move.to)
    if move.kind == "lines" or command.operator in "<>":
        return vim, (line_start(text, start), min(line_end(text, end) + 1, len(text)), True)
    if move.kind == "inclusive":
        end = letter_after(text, end)
    elif command.verb in "wW" and "\n" in text[start:end]:  # the last word of a line: the break is not its
        cut = text[start:end].rstrip(" \t\n")
        last_break = text.rfind("\n", start, end)
        if not text[last_break:end].strip():
            end = max(start + len(cut), min(line_end(text, start + len(cut)), last_break))
    return vim, (start, end, False) if start != end else None


# -- other changes -----------------------------------------------------------------------------------------


def _put(vim: Vim, command: Command) -> Vim:
    name = command.register.lower()
    register = vim.named.get(name, "") if name else vim.register
    text, at, put = vim.text, vim.cursor, register * (command.count or 1)
    if not put or len(text) + len(put) > LONGEST:
        return vim
    changed = changing(vim, command)
    if register.endswith("\n"):
        if command.verb == "P":
            at = line_start(text, at)
        elif line_end(text, at) == len(text):
            at, put = len(text), "\n" + put[:-1]
        else:
            at = line_end(text, at) + 1
        text = text[:at] + put + text[at:]
        return rested(replace(changed, text=text, cursor=motions.first_word(text, at + put.startswith("\n"))))
    at = letter_after(text, at) if command.verb == "p" else at
    return rested(replace(changed, text=text[:at] + put + text[at:], cursor=at + len(put) - 1))


def _letters(vim: Vim, count: int) -> int | None:
    """Where so many letters from the cursor end; None where the line has fewer."""
    end = vim.cursor
    for _ in range(count):
        further = letter_after(vim.text, end)
        if further == end:
            return None
        end = further
    return end


def _replace_letters(vim: Vim, command: Command) -> Vim:
    count = command.count or 1
    end = _letters(vim, count)
    if end is None:
        return vim
    text = vim.text[: vim.cursor] + command.letter * count + vim.text[end:]
    return rested(replace(changing(vim, command), text=text, cursor=vim.cursor + count - 1))


def _swap_case(vim: Vim, command: Command) -> Vim:
    end = vim.cursor
    for _ in range(command.count or 1):
        end = letter_after(vim.text, end)
    if end == vim.cursor:
        return vim
    swapped = vim.text[vim.cursor : end].swapcase()
    text = vim.text[: vim.cursor] + swapped + vim.text[end:]
    return rested(replace(changing(vim, command), text=text, cursor=vim.cursor + len(swapped)))


def _join(vim: Vim, command: Command) -> Vim:
    text, at = vim.text, vim.cursor
    for _ in range(max((command.count or 2) - 1, 1)):
        end = line_end(text, at)
        if end == len(text):
            break
        rest = text[end + 1 :]
        rest = rest[len(rest) - len(rest.lstrip(" \t")) :]
        gap = "" if not rest or rest[0] in ")\n" or text[end - 1 : end] in ("", " ", "\t", "\n") else " "
        text, at = text[:end] + gap + rest, end
    if text == vim.text:
        return vim
    return rested(replace(changing(vim, command), text=text, cursor=at))


def _insert(vim: Vim, command: Command) -> Vim:
    """``i``, ``a``, ``I``, ``A``, ``o`` and ``O``."""
    text, at = vim.text, vim.cursor
    match command.verb:
        case "a":
            at = letter_after(text, at)
        case "I":
            start, end = line_start(text, at), line_end(text, at)
            at = start + len(text[start:end]) - len(text[start:end].lstrip(" \t"))
        case "A":
            at = line_end(text, at)
        case "o":
            at = line_end(text, at) + 1
            text = text[: at - 1] + "\n" + text[at - 1 :]
        case "O":
            at = line_start(text, at)
            text = text[:at] + "\n" + text[at:]
    return inserting(replace(changing(vim, command), text=text, cursor=at))


def begin_insert(vim: Vim) -> Vim:
    """Into insert mode where the cursor stands, by no command: the composer was just given the keys."""
    if vim.mode == "insert":
        return vim
    return inserting(changing(vim, Command("i")))


def entered(vim: Vim, text: str, cursor: int) -> Vim:
    """Insert mode ends with this text: the state in normal mode."""
    before, at = vim.begun or (vim.text, vim.cursor)
    typed = ""
    more = len(text) - len(before)
    if more > 0 and text[:at] == before[:at] and text[at + more :] == before[at:]:
        typed = text[at : at + more]
    undo = vim.undo
    if undo and undo[-1][0] == text:
        undo = undo[:-1]  # nothing came of it
    count = vim.changed.count if vim.changed and not vim.changed.operator and vim.changed.verb in "iaIA" else None
    if typed and count and len(text) + len(typed) * count < LONGEST:
        again = typed * (count - 1)
        text, cursor = text[:cursor] + again + text[cursor:], cursor + len(again)
    vim = replace(vim, text=text, cursor=letter_before(text, cursor), mode="normal", typed=typed, begun=None, undo=undo)
    return rested(vim)


def _again(vim: Vim, count: int | None) -> Vim:
    """The dot: the last change once more, with what was typed in it."""
    command, typed = vim.changed, vim.typed
    if command is None:
        return vim
    if count is not None:
        command = replace(command, count=count)
    vim = run(vim, command)
    if vim.mode == "insert":
        at = vim.cursor
        vim = entered(vim, vim.text[:at] + typed + vim.text[at:], at + len(typed))
    return vim


def _is_empty_line(vim: Vim) -> bool:
    return line_start(vim.text, vim.cursor) == line_end(vim.text, vim.cursor)
