"""Colours for code, a line at a time: what a line costs does not grow with the code before it.

Pygments' lexers want whole texts.  Here a lexer's own rules are walked line by line and its stack of states is
kept in between.  What a rule of the lexer would match across lines (a block comment, a string) is recognised
by its opening, and ends with its closing.  A whole text is coloured by the same walk, so that it looks the
same as one that streamed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pygments.lexer import Lexer, RegexLexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, Operator, String, Token
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from routerterm.tui.markdown.lines import Run

ENDLESS = 2_000
"""A line of code longer than this is not coloured."""

# Signs are coloured as plain code is: on the line to the terminal every change of colour costs more than the sign.
_KEYS = (
    (Comment, "comment"), (Keyword.Constant, "number"), (Keyword, "keyword"), (Name.Function, "function"),
    (Name.Class, "function"), (Name.Decorator, "function"), (Name.Tag, "keyword"), (Name.Attribute, "function"),
    (Name.Builtin, "name"), (Name.Exception, "name"), (Name.Namespace, "name"), (Name.Constant, "number"),
    (Name.Variable, "name"), (String.Affix, "keyword"), (String.Interpol, "number"), (String.Escape, "number"),
    (String, "string"), (Number, "number"), (Literal.Date, "number"), (Literal, "string"),
    (Operator.Word, "keyword"), (Generic.Inserted, "inserted"),
    (Generic.Deleted, "deleted"), (Generic.Error, "deleted"), (Generic.Heading, "function"),
    (Generic.Subheading, "function"), (Generic.Prompt, "keyword"), (Generic.Output, "comment"),
)  # fmt: skip
_SPANS = (("/*", "*/"), ("<!--", "-->"), ("(*", "*)"), ("{-", "-}"), ("`", "`"), ("'", "'"), ('"', '"'))


@lru_cache(1024)
def _key(kind: Any) -> str:
    return next((key for family, key in _KEYS if kind in family), "code")


@lru_cache(32)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


class Painter:
    """Colours the lines of one code block in turn."""

    def __init__(self, language: str) -> None:
        self._lexer = _lexer(language) if language else None
        self._kind: Any = type(self._lexer)
        self._stack = ["root"]
        self._until: tuple[str, Any] | None = None

    def copy(self) -> Painter:
        """A painter that goes on from here without disturbing this one."""
        twin = Painter("")
        twin._lexer, twin._kind = self._lexer, self._kind
        twin._stack, twin._until = list(self._stack), self._until
        return twin

    def paint(self, line: str) -> list[Run]:
        """The runs of the next line, without its line feed."""
        if self._lexer is None or len(line) > ENDLESS:
            return [(line, "code")] if line else []
        runs: list[Run] = []
        for kind, text in self._tokens(line + "\n"):
            text = text.rstrip("\n")
            if not text:
                continue
            key = runs[-1][1] if runs and text.isspace() else _key(kind)
            if runs and runs[-1][1] == key:
                runs[-1] = (runs[-1][0] + text, key)
            else:
                runs.append((text, key))
        return runs

    def _tokens(self, line: str) -> Iterator[tuple[Any, str]]:
        assert self._lexer is not None
        if self._until is not None:
            close, kind = self._until
            end = line.find(close)
            if end < 0:
                yield kind, line
                return
            self._until = None
            yield kind, line[: end + len(close)]
            yield from self._walk(line, end + len(close))
        else:
            yield from self._walk(line, 0)

    def _walk(self, line: str, pos: int) -> Iterator[tuple[Any, str]]:
        lexer: Any = self._lexer
        if type(lexer).get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
            for _, kind, text in lexer.get_tokens_unprocessed(line[pos:]):
                yield kind, text
            return
        rules: Mapping[str, Any] = lexer._tokens
        end, idle = len(line), 0
        while pos < end:
            state = self._stack[-1]
            opened = self._opening(line, pos, state)
            if opened is not None:
                self._until = opened
                yield opened[1], line[pos:]
                return
            for match_at, action, goto in rules[state]:
                match = match_at(line, pos)
                if match is None:
                    continue
                if action is not None:
                    if type(action) is type(Token):
                        yield action, match.group()
                    else:
                        for _, kind, text in action(lexer, match):
                            yield kind, text
                idle = idle + 1 if match.end() == pos else 0
                pos = match.end()
                if goto is not None:
                    self._go(goto)
                break
            else:
                if line[pos] == "\n":
                    self._stack = ["root"]
                yield Token.Text, line[pos]
                pos += 1
            if idle > 50:  # rules that change state for ever without reading
                yield Token.Text, line[pos:]
                return

    def _go(self, goto: Any) -> None:
        stack = self._stack
        if isinstance(goto, int):
            if abs(goto) >= len(stack):
                del stack[1:]
            else:
                del stack[goto:]
        elif goto == "#push":
            stack.append(stack[-1])
        elif isinstance(goto, tuple):
            for state in goto:
                if state == "#pop":
                    if len(stack) > 1:
                        stack.pop()
                elif state == "#push":
                    stack.append(stack[-1])
                else:
                    stack.append(state)
        if len(stack) > 64:  # a state pushed on every line and never left
            del stack[1:-32]

    def _opening(self, line: str, pos: int, state: str) -> tuple[str, Any] | None:
        """What begins here and does not end in this line, if the lexer would let it run across lines."""
        if line[pos] not in "/<({`'\"":
            return None
        for opening, close in _SPANS:
            if line.startswith(opening, pos):
                kind = _spans_lines(self._kind, state, opening, close)
                if kind is None:
                    return None
                return None if _closed(line, pos + len(opening), close) else (close, kind)
        return None


def _closed(line: str, pos: int, close: str) -> bool:
    if len(close) == 1:
        return re.compile(rf"(?:\\.|[^\\{close}])*{close}").match(line, pos) is not None
    return line.find(close, pos) >= 0


@lru_cache(512)
def _spans_lines(lexer: type[Lexer], state: str, opening: str, close: str) -> Any:
    """The kind of token that a lexer's state makes of the span when it has a line feed in it; None if it would not."""
    sample = f"{opening} a\nb {close}\n"
    try:
        rules = lexer._tokens[state]  # type: ignore[attr-defined]
    except (AttributeError, KeyError):
        return None
    for match_at, action, _ in rules:
        match = match_at(sample, 0)
        if match is not None:
            whole = match.end() >= len(sample) - 1 and type(action) is type(Token)
            return action if whole and (action in Comment or action in String) else None
    return None
