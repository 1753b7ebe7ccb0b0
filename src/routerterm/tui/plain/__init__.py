"""The chat as plain lines: for screen readers, for a printer, for a terminal that can do nothing."""

from routerterm.tui.plain.plain_chat import run

__all__ = ["run"]
