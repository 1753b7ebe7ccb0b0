"""What to do, in the words of the chat: parts below it know the shell's commands, and here there is a key for each."""

from __future__ import annotations

from routerterm.core.lazy_pattern import LazyPattern

IN_CHAT: tuple[tuple[str, str], ...] = (
    (r"Add one with: routerterm keys add \(or try the model demo/echo\)\.?", "F6 adds one; F3 picks another model."),
    (r"Add one with: routerterm keys add\.?", "F6 adds one."),
    (r"Add one: `routerterm keys add \S+`\.", "F6 adds one."),
    (r"Add it again: `routerterm keys add \S+`\.", "F6 adds it again."),
    (r"Test the keys with: routerterm keys test\.", "F6, then t tests the keys."),
    (r"Check the key with: routerterm keys test\.?", "F6, then t tests the key."),
    (r"Unlock it with its passphrase: `routerterm keys unlock`\.", "F6 unlocks it with its passphrase."),
    (r"Unlock it: `routerterm keys unlock keyring`\.", "F6 unlocks it."),
    (r"List the models with: routerterm models\.?", "F3 lists the models."),
    (r"Choose another model, or see: routerterm why\.?", "F3 picks another model; Tab, then w says why."),
    (r"`routerterm why` lists every candidate\.", "Tab, then w lists every candidate."),
    (r"To use it again: routerterm pause NAME --resume\.?", "F7, then p (P: the whole provider) uses it again."),
    (r"Fetch (?:it|the local model) with: routerterm local fetch\.?", "/welcome fetches it."),
    (r"try again: `routerterm local fetch`\.", "try again: /welcome."),
    (r"routerterm find lists them\.", "Alt+O lists them."),
    (
        r"routerterm mcp list shows the servers, routerterm mcp test NAME what they offer\.",
        "/tools shows what there is; /tools on offers all of it.",
    ),
    (r"See `routerterm config show`\.", "/settings shows them."),
)
"""What is said elsewhere, and what instead of it here."""
_COMPILED = tuple((LazyPattern(said), here) for said, here in IN_CHAT)


def in_chat(hint: str) -> str:
    """A hint with the keys of the chat in place of the shell's commands."""
    for said, here in _COMPILED:
        hint = said.sub(here, hint)
    return hint
