"""How tall each entry is, and which one stands where, for ten thousand of them."""

from __future__ import annotations

from collections.abc import Iterable


class Heights:
    """A list of heights with running sums: finding, changing and adding take logarithmic time."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._tree = [0, *self._heights]
        for index in range(1, len(self._tree)):
            parent = index + (index & -index)
            if parent < len(self._tree):
                self._tree[parent] += self._tree[index]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def __setitem__(self, index: int, height: int) -> None:
        change = height - self._heights[index]
        self._heights[index] = height
        index += 1
        while change and index < len(self._tree):
            self._tree[index] += change
            index += index & -index

    def append(self, height: int) -> None:
        """One more at the end."""
        index = len(self._tree)
        low = index & -index
        self._heights.append(height)
        self._tree.append(self.before(index - 1) - self.before(index - low) + height)

    @property
    def total(self) -> int:
        """All of them."""
        return self.before(len(self._heights))

    def before(self, index: int) -> int:
        """The sum of the first ``index``: where that one begins."""
        total = 0
        while index > 0:
            total += self._tree[index]
            index -= index & -index
        return total

    def find(self, y: int) -> tuple[int, int]:
        """Which one holds line ``y``, and the line within it; past the end: the count and the rest."""
        index, step = 0, 1 << len(self._heights).bit_length()
        while step:
            ahead = index + step
            if ahead < len(self._tree) and self._tree[ahead] <= y:
                y -= self._tree[ahead]
                index = ahead
            step >>= 1
        return index, y
