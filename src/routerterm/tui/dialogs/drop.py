"""The dialog of ``/drop``: where to send files to, as an address, a code and a picture of both for a phone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box

QUIET = 2
"""Light cells around the code: the standard wants four, and with two it fits on 24 rows."""


class Drop(Modal[None]):
    """Shown until something was received, or the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss(None)", "Close")]
    DEFAULT_CSS = """
    Drop { align: center middle; background: $t-background 60%; }
    Drop > Box {
        width: 94%; max-width: 76; height: auto; max-height: 100%; padding: 1 2;
        background: $t-panel;
    }
    Drop Static { color: $t-text; }
    Drop #qr { width: auto; color: black; background: white; }
    Drop #foot { color: $t-dim; }
    """

    def __init__(self, address: str, code: str, *, local: bool) -> None:
        """``local``: only this machine can reach it."""
        super().__init__()
        self._address = address
        self._code = code
        self._local = local

    def compose(self) -> ComposeResult:
        """The words first, then the code where there is room for it."""
        where = self._address.partition("#")[0]
        port = where.rstrip("/").rpartition(":")[2]
        far = f"\nOver SSH, first on your machine: ssh -L {port}:127.0.0.1:{port} HOST" if self._local else ""
        with Box("Drop files", self.app.active_theme):
            yield Static(f"Open {where}\nCode {self._code}{far}", markup=False)
            yield Static(qr_rows(self._address), id="qr", markup=False)
            yield Static("Waiting for a file, ten minutes at most · Esc closes", id="foot", markup=False)

    def on_mount(self) -> None:
        """Leave the picture out where it would be cut: half of it says nothing."""
        picture = self.query_one("#qr", Static)
        rows = qr_rows(self._address).splitlines()
        picture.display = len(rows) + 7 <= self.size.height and len(rows[0]) + 6 <= self.size.width


def qr_rows(text: str) -> str:
    """The QR code of a text, two rows of it in one of the terminal; dark on light."""
    import segno

    code = [[bool(dark) for dark in row] for row in segno.make_qr(text, error="l").matrix_iter(border=QUIET)]
    code += [[False] * len(code[0])] * (len(code) % 2)
    signs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    pairs = zip(code[::2], code[1::2], strict=True)
    return "\n".join("".join(signs[cells] for cells in zip(upper, lower, strict=True)) for upper, lower in pairs)
