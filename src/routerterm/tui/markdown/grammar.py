"""The Markdown that is understood: CommonMark, tables, strikethrough, task lists, alerts, formulas kept readable.

markdown-it-py parses; what differs is what a *stream* of text asks for, and holds for whole texts just the same,
so that both show the same lines.  Whatever the rest of a document could change in what came long before is
decided by what came before:

- a link's definition works from where it stands on (in all of it once the text is complete), is one line, and is shown;
- an underlined heading has at most `HEADING_LINES` lines above the underline, none of them endless;
- the header of a table is not endless;
- HTML is text.

Where CommonMark has a limit, or a rule made for scripts with blanks between words, it gives way:

- containers nest `MOST_NESTED` deep, and what is deeper is shown as paragraphs;
- emphasis may begin and end beside Chinese, Japanese and Korean letters as it may beside blanks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace, normalizeReference
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_core.linkify import linkify
from markdown_it.rules_core.state_core import StateCore
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from msgspec import Struct, field

from routerterm.tui.markdown.block_rules import (
    MOST_NESTED,
    BlockParser,
    definition,
    fence_with_source,
    formula,
    limited_table,
    underlined,
)

_NAMED = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")
_INLINE_MATH = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]|\$\$.+?\$\$|\$(?![\s$])[^$\n]*?[^\s$\\]\$(?!\d)", re.DOTALL)
_NOTE = re.compile(r"\[\^[^\s\]]+\]")


class Node(Struct):
    """A block and what is in it; ``begin`` and ``end`` are source lines, the end excluded."""

    kind: str
    token: Token | None = None
    begin: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The text of a leaf."""
        return self.token.content if self.token else ""


_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffef\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)


class _Emphasis(StateInline):
    """Where emphasis may begin and end."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - the library's names
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        last, following = self.src[start - 1 : start] or " ", self.src[end : min(end + 1, self.posMax)] or " "
        opens = _flanks(last, following)
        closes = _flanks(following, last)
        if not canSplitWord:  # an underscore in a word is none of emphasis
            opens, closes = opens and (not closes or _is_mark(last)), closes and (not opens or _is_mark(following))
        return Scanned(opens, closes, end - start)


class _Inline(ParserInline):
    """The inline parser, with our rule for emphasis."""

    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        state = _Emphasis(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class Grammar:
    """A parser for blocks, and one for what is in them."""

    def __init__(self) -> None:
        options = {"html": False, "linkify": True, "tasklists": True, "alerts": True, "maxNesting": 2 * MOST_NESTED}
        md = MarkdownIt("default", options)
        md.block = BlockParser()
        md.inline = _Inline()
        md.block.ruler.disable(["html_block", "reference"])
        terminates: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
        md.block.ruler.at("table", limited_table, {"alt": ["paragraph", "reference"]})
        md.block.ruler.at("fence", fence_with_source, terminates)
        md.block.ruler.at("lheading", underlined)
        md.block.ruler.before("fence", "formula", formula, terminates)
        md.block.ruler.before("lheading", "definition", definition)
        md.inline.ruler.at("newline", _newline)
        md.inline.ruler.before("escape", "formula", _inline_formula)
        md.inline.ruler.before("link", "note", _note)
        if md.linkify is not None:
            md.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        self._md = md

    def blocks(self, source: str) -> Node:
        """The tree of a document; every line feed counts a line."""
        tokens: list[Token] = []
        self._md.block.parse(source, self._md, {}, tokens)
        return _tree(tokens)

    def inline(self, content: str, references: Mapping[str, Any]) -> list[Token]:
        """The inline tokens of a leaf's content, with the definitions known so far."""
        env = {"references": references}
        children: list[Token] = []
        self._md.inline.parse(content, self._md, env, children)
        if "://" in content or "mailto:" in content:
            token = Token("inline", "", 0, content=content, children=children)
            linkify(StateCore("", self._md, env, [token]))
            children = token.children or []
        return children

    def define(self, node: Node, references: dict[str, Any]) -> None:
        """Remember what a definition defines, unless its name is taken."""
        assert node.token is not None
        references.setdefault(node.token.meta["label"], {"href": node.token.meta["href"], "title": ""})

    def define_all(self, root: Node, references: dict[str, Any], source: str) -> frozenset[str]:
        """Remember every definition of a document, the first of each name; the names that something refers to."""
        definitions = [node.token for node in _every(root) if node.kind == "definition" and node.token is not None]
        for token in definitions:
            references.setdefault(token.meta["label"], {"href": token.meta["href"], "title": ""})
        named = Counter(normalizeReference(match[1]) for match in _NAMED.finditer(source))
        defined = Counter(token.meta["label"] for token in definitions)
        return frozenset(label for label, times in defined.items() if named[label] > times)


def _every(root: Node) -> Iterator[Node]:
    """All nodes of a tree, from its beginning."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _flanks(outside: str, inside: str) -> bool:
    """Whether marks between these two characters may begin emphasis of what is inside (CommonMark's left-flanking)."""
    if _is_blank(inside):
        return False
    return not _is_mark(inside) or _is_blank(outside) or _is_mark(outside) or _CJK.match(outside) is not None


def _is_blank(character: str) -> bool:
    return isWhiteSpace(ord(character))


def _is_mark(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)


def _tree(tokens: list[Token]) -> Node:
    root = Node("root")
    path = [root]
    for token in tokens:
        if token.nesting == 1:
            begin, end = token.map or (path[-1].begin, path[-1].end)
            node = Node(token.type.removesuffix("_open"), token, begin, end)
            path[-1].children.append(node)
            path.append(node)
        elif token.nesting == -1:
            path.pop()
        elif token.type == "inline":
            path[-1].children.append(Node("inline", token, *(token.map or (0, 0))))
        else:
            path[-1].children.append(Node(token.type, token, *(token.map or (0, 0))))
    return root


def _newline(state: StateInline, silent: bool) -> bool:
    """A line ends where its writer ended it; the next keeps its indentation."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")
        state.push("softbreak", "br", 0)
    state.pos += 1
    return True


def _verbatim(kind: str, pattern: re.Pattern[str], firsts: str) -> Callable[[StateInline, bool], bool]:
    def rule(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] not in firsts:
            return False
        match = pattern.match(state.src, state.pos, state.posMax)
        if match is None:
            return False
        if not silent:
            state.push(kind, "", 0).content = match[0]
        state.pos = match.end()
        return True

    return rule


_inline_formula = _verbatim("formula", _INLINE_MATH, "\\$")
_note = _verbatim("note", _NOTE, "[")
