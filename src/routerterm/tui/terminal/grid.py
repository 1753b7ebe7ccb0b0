"""A screen of cells: for each row a string of characters and a string of styles of equal length."""

from __future__ import annotations

from routerterm.tui.terminal.cells import CONT


class Grid:
    """What a terminal of this size shows.  Rows are replaced, never changed in place."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.text: list[str] = [" " * columns] * rows
        self.styles: list[str] = ["\0" * columns] * rows

    def resize(self, columns: int, rows: int) -> None:
        """Crop or pad with blanks at the right and the bottom."""
        blank, plain = " " * columns, "\0" * columns
        self.text = [_crop(row, columns) for row in self.text[:rows]] + [blank] * (rows - self.rows)
        self.styles = [(row + plain)[:columns] for row in self.styles[:rows]] + [plain] * (rows - self.rows)
        self.columns, self.rows = columns, rows

    def clear(self) -> None:
        """All cells blank, in the default style."""
        self.text = [" " * self.columns] * self.rows
        self.styles = ["\0" * self.columns] * self.rows

    def put(self, y: int, x: int, text: str, styles: str) -> None:
        """Write cells into a row; what would pass the right edge is lost, halved wide characters become blanks."""
        if not 0 <= y < self.rows or x >= self.columns:
            return
        columns = self.columns
        end = x + len(text)
        if x == 0 and end == columns:
            self.text[y], self.styles[y] = text, styles
            return
        old = self.text[y]
        if end > columns:
            text, styles, end = _crop(text, columns - x), styles[: columns - x], columns
        left, right = old[:x], old[end:]
        if right[:1] == CONT:
            kept = right.lstrip(CONT)
            right = " " * (len(right) - len(kept)) + kept
        if left and old[x] == CONT:
            left = _halved(left)
        self.text[y] = left + text + right
        self.styles[y] = self.styles[y][:x] + styles + self.styles[y][end:]

    def scroll(self, top: int, bottom: int, shift: int, left: int = 0, right: int | None = None) -> None:
        """Move the rows top…bottom up by ``shift`` (down where negative); plain blanks follow.

        With columns, only what lies between them moves.
        """
        n = min(abs(shift), bottom - top + 1)
        right = self.columns if right is None else right
        whole = left == 0 and right == self.columns
        for rows, filler in ((self.text, " "), (self.styles, "\0")):
            blank = [filler * (right - left)] * n
            kept = rows[top : bottom + 1]
            moved = kept if whole else [row[left:right] for row in kept]
            moved = moved[n:] + blank if shift > 0 else blank + moved[: len(moved) - n]
            if not whole:
                moved = [row[:left] + part + row[right:] for row, part in zip(kept, moved, strict=True)]
            rows[top : bottom + 1] = moved


def _crop(text: str, columns: int) -> str:
    """Cut or pad cells to a width; a wide character cut in half becomes a blank."""
    if len(text) > columns and text[columns] == CONT:
        return _halved(text[:columns])
    return text[:columns] + " " * (columns - len(text))


def _halved(left: str) -> str:
    """Cells whose last one has lost its other half."""
    kept = left.rstrip(CONT)
    return kept[:-1] + " " * (len(left) - len(kept) + 1)
