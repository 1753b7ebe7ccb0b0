"""What to do is said in the words of the surface: no hint names a command of the shell where there is a key for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import routerterm
from routerterm.tui.hints import IN_CHAT, in_chat

ROOMS = ("core", "router", "protocols", "config", "store", "engine", "wiring", "catalog")
IN_A_KEY = re.compile(r"routerterm (keys|why|pause|models|find|local fetch)")
"""Commands of the shell that the chat has a key or a command for."""


def hints() -> list[str]:
    """Every text below the interface that says to run such a command; what is filled in is a word."""
    found = []
    for room in ROOMS:
        for file in sorted((Path(routerterm.__file__).parent / room).rglob("*.py")):
            tree = ast.parse(file.read_text())
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                text = ""
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    text = node.value
                elif isinstance(node, ast.JoinedStr):
                    parts = (part.value if isinstance(part, ast.Constant) else "word" for part in node.values)
                    text = "".join(map(str, parts))
                if IN_A_KEY.search(text) and len(text.split()) > 3 and not text.startswith("its weights"):
                    found.append(text)
    return found


def test_no_hint_in_the_chat_names_a_command_of_the_shell_that_has_a_key() -> None:
    found = hints()
    assert len(found) > 10
    for hint in found:
        whole = hint.endswith((".", "why", "add", "test", "models", "fetch", "--resume"))
        assert not whole or not IN_A_KEY.search(in_chat(hint)), in_chat(hint)


def test_what_is_no_such_hint_stays() -> None:
    assert in_chat("Raise the limit in [budget].") == "Raise the limit in [budget]."
    assert in_chat("There it is. Add one with: routerterm keys add") == "There it is. F6 adds one."
    assert len(IN_CHAT) > 10
