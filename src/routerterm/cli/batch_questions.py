"""`ask --batch FILE`: many questions at once, handed in as a batch at half price."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routerterm.cli.output import print_error, print_json, print_line
from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.wiring.outbox import Draft

MOST_LINES = 10_000
MOST_BYTES = 64 * 1024 * 1024
HINT = 'Each line is a JSON text, or an object: {"prompt": "…", "system": "…", "model": "…"}.'


async def ask_batch(file: Path, model: str | None, system: str | None, *, as_json: bool) -> int:
    """Queue the questions of a file and hand them in; the exit code."""
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.core.money import show_usd
    from routerterm.wiring import open_app
    from routerterm.wiring.outbox import Outbox

    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    async with open_app() as app:
        for trouble in app.troubles:
            print_error(trouble)
        drafts = list(read_questions(data, model or app.default_model, system, app.store.now()))
        await open_locked(app.keys, drafts[0].model)
        outbox = Outbox(app)
        queued = await outbox.add(drafts)
        await outbox.tick()
        rows = [row for row in await app.store.outbox.rows(every=True) if row.mode == "batch"]
        failed = [row for row in rows if row.state == "failed"]
        if as_json:
            print_json({"queued": queued.count, "held": None if queued.held is None else format(queued.held, "f")})
        else:
            old = len(drafts) - queued.count
            print_line(f"{queued.count:,} questions queued, up to {show_usd(queued.held)} held back." + _known(old))
            print_line("Answers arrive in the history within a day: routerterm outbox --wait")
        if failed:
            raise RoutertermError(
                f"{len(failed):,} questions failed: {failed[0].note}", "routerterm outbox lists them."
            )
    return 0


def _known(count: int) -> str:
    return f" {count:,} were waiting already." if count else ""


def read_questions(data: bytes, model: str, system: str | None, now: int) -> Iterator[Draft]:
    """The questions in the lines of a file.  Raises `RoutertermError` that names the line."""
    from routerterm.core.messages import Message
    from routerterm.engine.outbox.when import When
    from routerterm.wiring.outbox import Draft

    if len(data) > MOST_BYTES:
        raise RoutertermError(f"The file is larger than {MOST_BYTES // 1024**2} MB.", "Split it.")
    lines = [(n, line) for n, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines or len(lines) > MOST_LINES:
        raise RoutertermError(f"The file has {len(lines):,} questions; 1 to {MOST_LINES:,} can be asked.", HINT)
    for number, line in lines:
        found = _fields(line, number)
        name = found.get("model") or model
        digest = hashlib.sha256(json.dumps([number, found, name, system]).encode()).hexdigest()
        yield Draft(
            Message.of("user", found["prompt"]),
            name,
            When("batch", now),
            system=found.get("system") or system,
            source=digest,
        )


def _fields(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise RoutertermError(f"Line {number:,} is not JSON.", HINT) from None
    if isinstance(found, str):
        found = {"prompt": found}
    if not isinstance(found, dict) or not isinstance(found.get("prompt"), str) or not found["prompt"].strip():
        raise RoutertermError(f"Line {number:,} has no prompt.", HINT)
    for name, value in found.items():
        if name not in ("prompt", "system", "model", "id") or not isinstance(value, str):
            raise RoutertermError(f"Line {number:,}: {name[:40]!r} is not understood.", HINT)
    return found
