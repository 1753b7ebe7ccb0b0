"""How the chat is to open: what the command line says."""

from __future__ import annotations

import msgspec


class Opening(msgspec.Struct, frozen=True):
    """``routerterm -m MODEL -c "question"``; nothing of it is a new, empty conversation."""

    question: str = ""
    model: str = ""
    last: bool = False
    """Whether to open the conversation that was changed last."""
