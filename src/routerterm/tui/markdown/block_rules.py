"""Our rules for blocks: what the parser's own rules do otherwise, or do not know."""

from __future__ import annotations

import re

from markdown_it.common.utils import normalizeReference
from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block import fence, paragraph, table
from markdown_it.rules_block.state_block import StateBlock

HEADING_LINES = 3
ENDLESS = 2_000
"""A line of so many characters is never the header of a table, part of an underlined heading or a definition."""

MOST_NESTED = 40
"""Levels of quotes and lists; a list takes two.  Each costs some Python frames, of which there are a thousand."""

GOES_ON = "\ue000"
"""Stands before the rest of an endless line, so that it cannot begin a block."""

_DEFINITION = re.compile(
    r"\[(?!\^)((?:[^\[\]\\]|\\.)+)\]:[ ]*(<[^<>\n]*>|[^\s<]\S*)"
    r"(?:[ ]+(\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ ]*$"
)
_MATH_CLOSE = {"$$": "$$", "\\[": "\\]"}


class BlockParser(ParserBlock):
    """The block parser, remembering at which column a list item's content begins, and showing what lies too deep."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 - the library's names
        """The blocks between two lines."""
        if state.tokens and state.tokens[-1].type == "list_item_open":
            state.tokens[-1].meta = {**state.tokens[-1].meta, "column": state.blkIndent}
        if state.level < MOST_NESTED:
            super().tokenize(state, startLine, endLine)
        else:
            _paragraphs(state, startLine, endLine)


def _paragraphs(state: StateBlock, start: int, end: int) -> None:
    """Blocks that lie too deep, as paragraphs; what belongs to an outer block is left to it."""
    line = start
    while (line := state.skipEmptyLines(line)) < end and state.sCount[line] >= state.blkIndent:
        state.line = line
        paragraph(state, line, end, False)
        line = state.line
    state.line = min(line, end)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def limited_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table whose header is not endless, with its first two lines as they were written."""
    if state.eMarks[start] - state.bMarks[start] >= ENDLESS or state.src.startswith(GOES_ON, state.bMarks[start]):
        return False
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    if not silent:
        state.tokens[first].meta = {"source": (_line(state, start), _line(state, start + 1))}
    return True


def fence_with_source(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A fenced block, with its opening line as it was written and whether it is closed."""
    indent = state.sCount[start] - state.blkIndent
    if not fence(state, start, end, silent):
        return False
    if not silent:
        token = state.tokens[-1]
        lines = token.content.count("\n") + (not token.content.endswith("\n") and token.content != "")
        closed = state.line - start - 1 > lines
        token.meta = {"source": (" " * indent + token.markup + token.info,), "closed": closed}
    return True


def underlined(state: StateBlock, start: int, end: int, _silent: bool) -> bool:
    """A heading with ``===`` or ``---`` beneath."""
    if state.is_code_block(start):
        return False
    kept, state.parentType = state.parentType, "paragraph"
    interrupts = state.md.block.ruler.getRules("paragraph")
    found = ""
    line = start + 1
    while line < min(end, start + HEADING_LINES + 1) and not state.isEmpty(line):
        indent = state.sCount[line]
        if state.eMarks[line - 1] - state.bMarks[line - 1] >= ENDLESS:
            break
        if indent - state.blkIndent <= 3:
            text = _line(state, line).rstrip(" \t")
            if indent >= state.blkIndent and text and text[0] in "-=" and not text.strip(text[0]):
                found = text[0]
                break
            if indent >= 0 and any(rule(state, line, end, True) for rule in interrupts):
                break
        line += 1
    state.parentType = kept
    if not found:
        return False
    tag = "h1" if found == "=" else "h2"
    _leaf(
        state,
        "heading",
        tag,
        start=start,
        end=line + 1,
        content=state.getLines(start, line, state.blkIndent, False).strip(),
    )
    state.line = line + 1
    return True


def _leaf(state: StateBlock, kind: str, tag: str, start: int, end: int, content: str) -> None:
    state.push(f"{kind}_open", tag, 1).map = [start, end]
    token = state.push("inline", "", 0)
    token.content, token.map, token.children = content, [start, end], []
    state.push(f"{kind}_close", tag, -1)


def definition(state: StateBlock, start: int, _end: int, _silent: bool) -> bool:
    """``[label]: target "title"``, in one line."""
    if state.is_code_block(start) or state.eMarks[start] - state.bMarks[start] >= ENDLESS:
        return False
    match = _DEFINITION.match(_line(state, start))
    if match is None or not match[1].strip():
        return False
    href = state.md.normalizeLink(match[2][1:-1] if match[2].startswith("<") else match[2])
    if not state.md.validateLink(href):
        return False
    token = state.push("definition", "", 0)
    token.map, token.content = [start, start + 1], match[1]
    token.meta = {"label": normalizeReference(match[1]), "href": href}
    state.line = start + 1
    return True


def formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula between lines that begin with ``$$`` or ``\\[`` and end with their twin; a blank line ends it too."""
    if state.is_code_block(start):
        return False
    text = _line(state, start).rstrip()
    close = _MATH_CLOSE.get(text)
    if close is None:
        return False
    if silent:
        return True
    line, closed = start + 1, False
    while line < end and not closed and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        closed = _line(state, line).rstrip().endswith(close)
        line += 1
    token = state.push("formula", "", 0)
    token.map, token.meta = [start, line], {"closed": closed}
    token.content = state.getLines(start, line, state.blkIndent, False)
    state.line = line
    return True
