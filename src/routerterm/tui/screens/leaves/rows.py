"""The rows of the sheet, and what stands above and below them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from routerterm.core.counting import counted
from routerterm.core.money import show_usd
from routerterm.core.sanitise import one_line, sanitise
from routerterm.engine.chat.leaves import OutgoingLine, Sheet
from routerterm.tui.widgets.fields import Field, Span, Tone
from routerterm.tui.widgets.forecast_fields import percent, tokens
from routerterm.tui.widgets.rows import Column, Row
from routerterm.tui.widgets.status import cost_range, tone_of_share

COLUMNS = (
    Column("", 0, most=18),
    Column("", 0, grow=True, least=18),
    Column("tokens", 1, right=True),
    Column("price", 2, right=True),
    Column("", 3, most=24),
)
SEEN = 400
"""Characters of a line that its row is made of."""
SHOWN = 60
"""Letters of a redacted thing that are shown struck through."""


def row_id(line: OutgoingLine, number: int) -> str:
    """A name for a line that stays the same when others come and go."""
    return f"{line.id}/{line.part}" if line.id else f"-{number}"


def rows_of(sheet: Sheet) -> list[Row]:
    """A row per line; the ways of answering follow as one row, since they leave too."""
    rows = [_row(line, number, sheet.redacted) for number, line in enumerate(sheet.lines)]
    settings = " · ".join(map(one_line, sheet.settings))
    return [*rows, Row("settings", ("settings", settings, "", "", ""), "dim")]


def _row(line: OutgoingLine, number: int, redacted: Mapping[str, str]) -> Row:
    tone: Tone = "text" if line.is_sent else "dim"
    price = f"~{show_usd(line.usd)}" if line.usd else show_usd(line.usd)
    counted = (f"~{line.tokens:,}", price) if line.is_sent else ("", "")
    words = tuple(spans(one_line(line.text[:SEEN]), redacted, tone))
    name = Span(one_line(line.who)[:18], "accent" if line.is_sent else "dim")
    note = _note(line, redacted)
    detail = " · ".join(filter(None, (counted[1], note.text)))  # said apart where its columns find no room
    return Row(row_id(line, number), ((name,), words, *counted, (note,)), tone, detail=detail)


def _note(line: OutgoingLine, redacted: Mapping[str, str]) -> Span:
    if not line.is_sent:
        words = {"left out": "left out", "too long": "no room", "not supported": "not supported"}
        return Span(words[line.state], "warning")
    struck = sum(placeholder in line.text for placeholder in redacted)
    said = [
        f"{struck} redacted" if struck else "",
        "cached" if line.cached else "",
        "always sent" if line.pinned else "",
    ]
    return Span(" · ".join(filter(None, said)), "success" if line.cached and not struck else "warning")


def spans(text: str, redacted: Mapping[str, str], tone: Tone = "text") -> Iterator[Span]:
    """A text as it leaves: what was taken out is struck through before the placeholder in its place."""
    if not redacted:
        yield Span(text, tone)
        return
    pattern = re.compile("|".join(map(re.escape, sorted(redacted, key=len, reverse=True))))
    at = 0
    for found in pattern.finditer(text):
        yield Span(text[at : found.start()], tone)
        yield Span(one_line(redacted[found[0]])[:SHOWN], "struck")
        yield Span(" ", tone)
        yield Span(found[0], "warning")
        at = found.end()
    yield Span(text[at:], tone)


def summary_fields(sheet: Sheet) -> tuple[Field, ...]:
    """Where it goes, how much it is, what it costs."""
    forecast = sheet.forecast
    fields = [Field((Span("to ", "dim"), Span(str(sheet.target), "bright"), Span(f" at {sheet.host}", "dim")), rank=1)]
    fields.append(Field((Span(f"~{tokens(sheet.tokens)} tok"),), rank=0))
    if forecast is not None and forecast.context:
        share = forecast.prompt_tokens / forecast.context
        fields.append(Field((Span(percent(share), tone_of_share(share)),), rank=3))
    if forecast is not None:
        fields.append(Field((Span(price_words(sheet), "bright"),), rank=0))
    cached = sum(line.tokens for line in sheet.lines if line.cached)
    if cached:
        fields.append(Field((Span(f"~{tokens(cached)} tok cached", "success"),), rank=2))
    return tuple(fields)


def price_words(sheet: Sheet) -> str:
    """What it will cost with its answer: ``~$0.002–0.011``, ``$0``, ``?``."""
    forecast = sheet.forecast
    if forecast is None or forecast.high is None:
        return "?"
    return cost_range(forecast) if forecast.high == Decimal(0) else f"~{cost_range(forecast)}"


def remarks(sheet: Sheet) -> str:
    """What else is to be known of it, in one line."""
    said = [
        counted(sheet.left_out, "earlier message") + " without room" if sheet.left_out else "",
        counted(sheet.summed_up, "message") + " in the summary" if sheet.summed_up else "",
        counted(len(sheet.redacted), "thing") + " redacted" if sheet.redacted else "",
        counted(sheet.marks, "cache mark") if sheet.marks else "",
        f"without {', '.join(sheet.unsaid)}, which it does not support" if sheet.unsaid else "",
        f"{len(sheet.body):,} bytes",
    ]
    return " · ".join(map(one_line, filter(None, said)))


def whole_text(line: OutgoingLine, redacted: Mapping[str, str]) -> Sequence[Span]:
    """A line in full."""
    return tuple(spans(sanitise(line.text), redacted))
