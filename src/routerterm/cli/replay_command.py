"""`routerterm replay`: what other routes, prices, models or budgets would have made of the last days."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routerterm.engine.replay.report import Replay, Side


@click.command("replay")
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Days to replay, with today.")
@click.option(
    "--routes",
    "file",
    metavar="FILE.toml",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings to try: [routes], [models], [budget] and so on, as in config.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for other programs.")
def command(days: int, file: Path | None, as_json: bool) -> None:
    """Replay recorded requests under other settings.  Nothing is sent.

    Shows what the last days would have cost, waited and failed with other routes, prices, models or budgets. What FILE
    does not mention stays as in your settings; without FILE your present settings are replayed.

    \b
      routerterm replay --days 30 --routes new.toml
    """
    found = asyncio.run(_replay(days, file))
    if as_json:
        print_json(_object(found, days), indent=2)
    else:
        for line in report(found, days):
            print_line(line)


async def _replay(days: int, file: Path | None) -> Replay:
    from routerterm.config.settings import overlaid_settings
    from routerterm.wiring import open_app
    from routerterm.wiring.replay import replay_days

    async with open_app() as app:
        settings = app.settings
        if file is not None:
            settings = await asyncio.to_thread(overlaid_settings, app.paths, file, app.environ)
        return await replay_days(app, days, settings)


def report(found: Replay, days: int) -> Iterator[str]:
    """The comparison for a person to read, as lines."""
    from routerterm.core.money import with_unknown
    from routerterm.core.sanitise import one_line
    from routerterm.engine.replay.report import ASSUMPTIONS

    was, would = found.was, found.would
    if not was.requests:
        yield f"No requests in the last {days} days."
        return
    rows: list[tuple[str, ...]] = [("", "recorded", "replayed")]
    rows += [(name, *(words(side) for side in (was, would))) for name, words in _LINES]
    rows.append(("", "", ""))
    before, after = ({one[0]: one for one in side.models} for side in (was, would))
    for name in dict.fromkeys((*after, *before)):
        sides = (side.get(name) for side in (before, after))
        cells = [f"{one[1]:,}, {with_unknown(one[2], one[3] > 0)}" if one else "-" for one in sides]
        rows.append((one_line(name), *cells))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, *cells in rows:
        right = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *right]).rstrip()
    yield ""
    yield f"{found.changed:,} of {was.requests:,} requests would have gone to other models."
    for reason, count in found.reasons[:5]:
        yield f"{count:,} would not have been sent: {one_line(reason)}."
    made = f"{found.confirmed:,} of {was.attempts:,}"
    yield f"The present settings make {made} recorded choices; the others are as recorded."
    if found.assumed:
        yield ""
        yield f"Assumptions, for {found.assumed:,} attempts that are not on record:"
        for line in ASSUMPTIONS:
            yield f"  - {line}"


def _cost(side: Side) -> str:
    from routerterm.core.money import with_unknown

    return with_unknown(side.cost, bool(side.unpriced))


_LINES = (
    ("cost", _cost),
    ("requests", lambda side: f"{side.requests:,}"),
    ("attempts", lambda side: f"{side.attempts:,}"),
    ("without an answer", lambda side: f"{side.failed:,}"),
    ("mean wait", lambda side: f"{side.waited / side.requests:.1f} s"),
)


def _object(found: Replay, days: int) -> dict[str, Any]:
    """Amounts as text in US dollars, times in seconds."""
    from routerterm.engine.replay.report import ASSUMPTIONS

    return {
        "days": days,
        "recorded": _side(found.was),
        "replayed": _side(found.would),
        "changed": found.changed,
        "assumed": found.assumed,
        "confirmed": found.confirmed,
        "not_sent": [{"reason": reason, "requests": count} for reason, count in found.reasons],
        "assumptions": list(ASSUMPTIONS),
    }


def _side(side: Side) -> dict[str, Any]:
    plain = {name: getattr(side, name) for name in ("requests", "attempts", "unpriced", "failed", "refused")}
    models = [
        {"model": name, "requests": count, "cost": format(cost, "f"), "unpriced": unpriced}
        for name, count, cost, unpriced in side.models
    ]
    return {**plain, "cost": format(side.cost, "f"), "waited": round(side.waited, 3), "models": models}
