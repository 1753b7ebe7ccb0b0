"""Where a growing document can be cut: all before is final, and a `ParseState` says what is open there."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from routerterm.tui.markdown.block_rules import HEADING_LINES
from routerterm.tui.markdown.blocks import Writer, is_blank
from routerterm.tui.markdown.grammar import Node
from routerterm.tui.markdown.line_writer import Mark
from routerterm.tui.markdown.parse_state import Container, ParseState


class CommitPoint(Struct, frozen=True):
    """A place up to which all is final: the source line, the lines written before it, and what is open there."""

    source: int
    lines: int
    carry: ParseState
    seams: int
    """Seams that are still to come."""


HOLDERS = frozenset({"root", "bullet_list", "ordered_list", "list_item", "blockquote", "alert"})
"""Blocks with blocks in them."""


def cuttable(root: Node, prefix: int) -> bool:
    """Whether there may be a place to cut: a cheap look before anything is written."""
    node = root
    while node.children:
        last = node.children[-1]
        if last.begin >= prefix and last.begin > node.begin:
            return True
        if last.kind in ("fence", "table"):
            return True
        if last.kind == "paragraph":
            return last.end - max(last.begin, prefix) > 1
        node = last
    return False


def open_leaf(root: Node, writer: Writer | None = None) -> tuple[Node | None, tuple[Container, ...]]:
    """The block at the very end, and with a writer what it is in."""
    node = root
    containers: list[Container] = []
    while node.children and node.kind in HOLDERS:
        node = node.children[-1]
        if writer is not None and node.kind in ("list_item", "blockquote", "alert"):
            containers.append(_container(node, writer, len(containers)))
    return (None if node is root else node), tuple(containers)


def find_commit_point(root: Node, writer: Writer) -> CommitPoint | None:
    """The furthest place in what was just written up to which nothing can change any more."""
    best: CommitPoint | None = None
    node = root
    containers: tuple[Container, ...] = ()
    while node.children:
        last = node.children[-1]
        fresh = last.begin >= writer.prefix
        level = len(containers)
        if node.kind in ("bullet_list", "ordered_list"):
            if fresh and len(node.children) > 1:
                best = _cut(writer, last, (*containers, _container(node.children[-2], writer, level)))
            containers = (*containers, _container(last, writer, level))
        else:
            opens = len(node.children) <= (2 if node.kind == "alert" else 1)
            if fresh and (node is root or not opens):
                best = _cut(writer, last, containers) or best
            if last.kind in ("blockquote", "alert"):
                containers = (*containers, _container(last, writer, level))
            elif last.kind not in ("bullet_list", "ordered_list"):
                return _leaf_cut(writer, last, containers) or best
        node = last
    return best


def _container(node: Node, writer: Writer, level: int) -> Container:
    assert node.token is not None
    if node.kind == "alert":
        return Container("alert", node.token.info)
    if node.kind == "blockquote":
        return Container("quote")
    meta = node.token.meta
    if node.begin < writer.prefix and level < len(writer.carry.containers):
        return writer.carry.containers[level]
    marker = node.token.info + node.token.markup
    return Container("item", marker, meta.get("column", 0), meta.get("number", 0), empty=not node.children)


def _cut(writer: Writer, node: Node, containers: tuple[Container, ...]) -> CommitPoint | None:
    mark = writer.marks.get(node.begin)
    if mark is None:
        return None
    return _at(writer, node.begin, mark, ParseState(containers))


def _at(writer: Writer, source: int, mark: Mark, carry: ParseState) -> CommitPoint | None:
    if source <= writer.prefix:
        return None
    gap = is_blank(writer.source[source - 1])
    begun = mark.block >= 0
    carry = replace(carry, gap=gap, block=mark.block, fence=mark.fence, begun=begun)
    return CommitPoint(source, mark.line, carry, mark.seams)


def _leaf_cut(writer: Writer, leaf: Node, containers: tuple[Container, ...]) -> CommitPoint | None:
    """A place within the block that is still growing."""
    token = leaf.token
    assert token is not None
    here = Mark(len(writer.lines), writer.block, writer.fence, len(writer.seams))
    if leaf.kind == "fence" and not token.meta["closed"]:
        carry = ParseState(containers, "fence", token.meta["source"], painter=writer.painter)
        return _at(writer, leaf.end, here, carry)
    if leaf.kind == "table":
        fixed = leaf.begin < writer.prefix or writer.rows > writer.limits.sample
        if fixed:
            carry = ParseState(containers, "table", token.meta["source"], plan=writer.plan, rows=writer.rows)
            return _at(writer, leaf.end, here, carry)
    if leaf.kind == "paragraph":
        if leaf.begin >= writer.prefix and leaf.end - leaf.begin <= HEADING_LINES:
            return None  # an underline may still make a heading of it
        if len(writer.chunks) > 1:
            begin = writer.chunks[-1]
            return _at(writer, begin, writer.marks[begin], ParseState(containers, "paragraph"))
    return None
