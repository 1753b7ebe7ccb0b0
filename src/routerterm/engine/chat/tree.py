"""The tree of a conversation with what each branch has cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from routerterm.store.values import Node


class Branch(Struct, frozen=True):
    """A message in the tree: its depth in forks, its place among its siblings, and the sums below it.

    ``subtree_nanousd`` is the cost of it and all below; ``unknown`` says that some of that has no known price.
    ``on_path`` is whether it is on the branch that is shown.
    """

    node: Node
    indent: int
    sibling: int
    siblings: int
    subtree_nanousd: int
    unknown: bool
    messages: int
    on_path: bool


class Stretch(Struct, frozen=True):
    """Messages that follow one another without a fork: ``first`` begins a branch, ``count`` of them stand here."""

    first: Branch
    last: Branch
    count: int
    has_head: bool
    """Whether the end of the branch that is shown lies in it."""


def stretches(tree: Sequence[Branch], head: str | None) -> tuple[Stretch, ...]:
    """The tree with every stretch between two forks as one, in reading order."""
    begins = [n for n, branch in enumerate(tree) if branch.siblings > 1 or branch.node.parent_id is None or n == 0]
    here = next((n for n, branch in enumerate(tree) if branch.node.id == head), -1)
    return tuple(
        Stretch(tree[begin], tree[end - 1], end - begin, begin <= here < end)
        for begin, end in pairwise([*begins, len(tree)])
    )


def branches(nodes: Sequence[Node], head: str | None) -> tuple[Branch, ...]:
    """The tree in reading order: a message, then each of its branches in turn.

    A conversation without forks stays at one indent, however long; every fork indents by one.
    """
    by_id = {node.id: node for node in nodes}
    children: dict[str | None, list[Node]] = {}
    for node in nodes:
        children.setdefault(node.parent_id if node.parent_id in by_id else None, []).append(node)
    walked = list(_walk(children))
    sums = _sums([node for node, *_ in walked])
    path = set(_path(by_id, head))
    return tuple(
        Branch(node, indent, place, family, *sums[node.id], on_path=node.id in path)
        for node, indent, place, family in walked
    )


def _walk(children: dict[str | None, list[Node]]) -> Iterator[tuple[Node, int, int, int]]:
    """Depth first, without recursion: a branch may be 10,000 messages long."""
    stack = _stacked(children.get(None, []), -1)
    while stack:
        node, indent, place, family = stack.pop()
        yield node, indent, place, family
        stack += _stacked(children.get(node.id, []), indent)


def _stacked(family: list[Node], above: int) -> list[tuple[Node, int, int, int]]:
    indent = max(0, above + (1 if len(family) > 1 or above < 0 else 0))
    return [(node, indent, place, len(family)) for place, node in enumerate(family, 1)][::-1]


def _sums(order: Sequence[Node]) -> dict[str, tuple[int, bool, int]]:
    """Cost, whether any of it is unknown, and the number of messages, of each message and all below it."""
    sums = {node.id: (node.cost_nanousd or 0, node.cost_unknown, 1) for node in order}
    for node in reversed(order):
        if (above := node.parent_id) is not None and above in sums:
            cost, unknown, messages = sums[above]
            more, also, count = sums[node.id]
            sums[above] = (cost + more, unknown or also, messages + count)
    return sums


def _path(nodes: dict[str, Node], head: str | None) -> Iterator[str]:
    seen: set[str] = set()
    while head in nodes and head not in seen:
        seen.add(head)
        yield head
        head = nodes[head].parent_id or ""
