"""Which faults the soak test meets, as often as they stand here, and the settings of a home that meets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FAULTS = (
    *("ok",) * 8,
    *("late", "fails_once", "rate_once", "down", "cut", "reset_in_body", "reset_before_headers", "stall"),
    *("silence", "malformed", "malformed_later", "error_as_body", "error_first", "error_in_stream"),
    *("no_done", "no_usage", "comments", "too_long", "filtered", "rate_forever"),
)


PRICE_IN, PRICE_OUT = 1, 4
"""US dollars a million tokens."""


def settings(port: int, written: Path) -> str:
    """Every fault a provider of its own, and a route to each with a healthy one behind it; waits cut to a twentieth.

    A tool server writes what it is called with into a file.
    """
    server = [sys.executable, str(Path(__file__).parents[1] / "engine" / "tools" / "old_server.py"), "writes"]
    lines = [
        "[router]",
        'default = "to-ok"',
        "first_token = 0.6\nfirst_token_alone = 1.5\nidle = 0.6\nidle_alone = 1.5\nretry_wait = 0.2\ndeadline = 30.0",
        f"[mcp.pad]\ncommand = {json.dumps([*server, str(written)])}",
    ]
    for fault in dict.fromkeys((*FAULTS, "tools")):
        lines += [
            f"[providers.{fault}]",
            f'protocol = "openai-chat"\nbase_url = "http://127.0.0.1:{port}/{fault}/v1"\nneeds_key = false',
            f"[routes.to-{fault}]",
            f'models = ["{fault}/model", "ok/model"]' if fault != "ok" else 'models = ["ok/model", "late/model"]',
            f'[models."{fault}/model"]',
            f"context = 32000\nprice_in = {PRICE_IN}\nprice_out = {PRICE_OUT}",
            f"prefill = {str(fault == 'ok').lower()}\ntools = {str(fault == 'tools').lower()}",
        ]
    return "\n".join(lines) + "\n"
