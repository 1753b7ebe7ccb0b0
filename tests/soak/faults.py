"""Which faults the soak test meets, as often as they stand here, and the settings of a home that meets them."""

from __future__ import annotations

FAULTS = (
    *("ok",) * 8,
    *("late", "fails_once", "rate_once", "down", "cut", "reset_in_body", "reset_before_headers", "stall"),
    *("silence", "malformed", "malformed_later", "error_as_body", "error_first", "error_in_stream"),
    *("no_done", "no_usage", "comments", "too_long", "filtered", "rate_forever"),
)


def settings(port: int) -> str:
    """Every fault a provider of its own, and a route to each with a healthy one behind it; waits cut to a twentieth."""
    lines = [
        "[router]",
        'default = "ok/model"',
        "first_token = 0.6\nfirst_token_alone = 1.5\nidle = 0.6\nidle_alone = 1.5\nretry_wait = 0.2\ndeadline = 30.0",
    ]
    for fault in dict.fromkeys(FAULTS):
        lines += [
            f"[providers.{fault}]",
            f'protocol = "openai-chat"\nbase_url = "http://127.0.0.1:{port}/{fault}/v1"\nneeds_key = false',
            f"[routes.to-{fault}]",
            f'models = ["{fault}/model", "ok/model"]' if fault != "ok" else 'models = ["ok/model", "late/model"]',
            f'[models."{fault}/model"]',
            f"context = 32000\nprice_in = 1\nprice_out = 4\nprefill = {str(fault == 'ok').lower()}",
        ]
    return "\n".join(lines) + "\n"
