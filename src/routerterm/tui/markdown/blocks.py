"""Blocks into lines: the one place where Markdown becomes what is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.tui.markdown.leaf_blocks import Leaves
from routerterm.tui.markdown.line_writer import Margin

if TYPE_CHECKING:
    from routerterm.tui.markdown.grammar import Node
    from routerterm.tui.markdown.lines import Line

LEAST_WIDTH = 12
"""Containers indent no further once this little is left."""


class Writer(Leaves):
    """Writes the lines of one parse, whole or what follows a `ParseState`."""

    def write(self, root: Node) -> list[Line]:
        """All lines of a document."""
        top = Margin(None, [], [])
        for index, node in enumerate(root.children):
            if self.hidden(node):
                continue
            if node.begin >= self.prefix:
                self.mark(node.begin)
                self.block += 1
                self.seam_before(node.begin, top)
                if index or self.carry.begun:
                    self.gap(top)
            self.node(node, top, self.key, 0, 0)
        return self.lines

    def hidden(self, node: Node) -> bool:
        """Whether this is a definition whose address is shown beside the links that refer to it."""
        return node.kind == "definition" and node.token is not None and node.token.meta["label"] in self.unseen

    def node(self, node: Node, margin: Margin, key: str, depth: int, level: int) -> None:
        """Any block.  ``depth`` counts bullets, ``level`` the containers above it."""
        stale = node.begin < self.prefix
        if stale and (node.kind == "alert_title" or (node.kind == "paragraph" and node.end <= self.prefix)):
            return
        if not stale:
            self.mark(node.begin)
            self.seam_before(node.begin, margin)
        match node.kind:
            case "paragraph":
                self.paragraph(node, margin, key)
            case "heading":
                self.heading(node, margin)
            case "bullet_list" | "ordered_list":
                self.items(node, margin, key, depth, level)
            case "blockquote" | "alert":
                self.quote(node, margin, depth, level)
            case "alert_title":
                self.put(margin, [(node.children[0].content if node.children else "", "heading3")])
            case "fence":
                self.fenced(node, margin)
            case "code_block":
                self.indented(node, margin)
            case "table":
                self.table(node, margin, key)
            case "hr":
                self.put(margin, [(self.signs.rule * self.room(margin), "~rule")])
            case "formula":
                self.formula(node, margin)
            case "definition":
                self.definition(node, margin)
            case other:
                raise ValueError(f"no way to draw a {other}")

    def children(self, node: Node, margin: Margin, key: str, depth: int, level: int, roomy: bool) -> None:
        """What is in a container; ``roomy``: a blank line between blocks even where the source has none."""
        for index, child in enumerate(node.children):
            if self.hidden(child):
                continue
            if child.begin >= self.prefix and index and child.kind != "alert_title":
                after_title = node.children[index - 1].kind == "alert_title"
                self.mark(child.begin)
                self.seam_before(child.begin, margin)
                if not after_title and (roomy or self.blank_before(child.begin)):
                    self.gap(margin)
            self.node(child, margin, key, depth, level)

    def blank_before(self, source_line: int) -> bool:
        """Whether the source has a blank line there."""
        if source_line <= self.prefix:
            return self.carry.gap
        return is_blank(self.source[source_line - 1])

    def items(self, node: Node, margin: Margin, key: str, depth: int, level: int) -> None:
        """A list: markers as counted, blank lines between items where the source has them."""
        ordered = node.kind == "ordered_list"
        number = 0
        for index, item in enumerate(node.children):
            assert item.token is not None
            stale = item.begin < self.prefix
            if ordered:
                number = number + 1 if index else int(item.token.info or 1)
                if stale:
                    number = self.carry.containers[level].number
            if not stale and index:
                self.mark(item.begin)
                self.seam_before(item.begin, margin)
                if self.blank_before(item.begin):
                    self.gap(margin)
            item.token.meta = {**item.token.meta, "number": number}
            self.item(item, margin, key, depth=depth, level=level, stale=stale)

    def item(self, item: Node, margin: Margin, key: str, depth: int, level: int, stale: bool) -> None:
        """One item with its marker."""
        assert item.token is not None
        bullets = self.signs.bullets
        sign = bullets[depth % len(bullets)]
        if item.token.info:
            sign = f"{item.token.meta['number']}{item.token.markup}"
        if "checked" in item.token.meta:
            sign = self.signs.done if item.token.meta["checked"] else self.signs.open
        first, rest = [(f"{sign} ", "bullet")], [(" " * (len(sign) + 1), "~text")]
        if self.room(margin) - len(sign) - 1 < LEAST_WIDTH:
            inner = Margin(margin, first, [], indent=False)
        else:
            inner = Margin(margin, first, rest)
        if stale:
            inner.pending = False
        begun = len(self.lines)
        if inner.width == margin.width and not stale:  # no room to hang: the marker on a line of its own
            self.put(inner, [])
        self.children(item, inner, key, depth + 1, level + 1, roomy=False)
        if inner.pending and len(self.lines) == begun:
            self.put(inner, [])

    def quote(self, node: Node, margin: Margin, depth: int, level: int) -> None:
        """A quotation or an alert behind a bar."""
        alert = node.kind == "alert"
        bar = [(f"{self.signs.bar} ", "~seam" if alert else "~bullet")]
        narrow = self.room(margin) - 2 < LEAST_WIDTH
        inner = Margin(margin, [], [] if narrow else bar)
        self.children(node, inner, "text" if alert else "quote", depth, level + 1, roomy=True)
        if not node.children and node.begin >= self.prefix:
            self.put(inner, [])


def is_blank(line: str) -> bool:
    """Whether a source line is blank but for the marks of quotes."""
    return not line.strip(" >")
