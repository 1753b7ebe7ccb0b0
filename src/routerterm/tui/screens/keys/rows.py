"""What stands on each line of the keys screen, at any width: a view and a moment in, runs of text out.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.core.sanitise import one_line
from routerterm.engine.keys.view import KeyLine, KeysView, ProviderLines, duration, health
from routerterm.tui.widgets.fields import Field, Span, Tone

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs

WIDE, MEDIUM = 96, 60
"""Columns from which quota and last use, and from which the place, have a column."""


class Heading(Struct, frozen=True):
    """A line above a provider's keys, or above those that have none."""

    title: str
    note: str = ""


class KeyRow(Struct, frozen=True):
    """A key."""

    provider: str
    line: KeyLine


class Invitation(Struct, frozen=True):
    """A provider without a key."""

    provider: ProviderLines


Row: TypeAlias = Heading | KeyRow | Invitation


def rows_of(view: KeysView) -> tuple[Row, ...]:
    """The lines of the list from the top."""
    rows: list[Row] = []
    for provider in view.providers:
        if provider.lines:
            count = len(provider.lines)
            rows.append(Heading(provider.title, f"{count} keys" if count > 1 else ""))
            rows += [KeyRow(provider.name, line) for line in provider.lines]
    empty = [provider for provider in view.providers if not provider.lines]
    if empty:
        rows.append(Heading("Without a key" if rows else "No key yet", "Enter adds one, or paste it"))
        rows += [Invitation(provider) for provider in empty]
    return tuple(rows)


def spans_of(row: Row, now: float, width: int, glyphs: Glyphs, *, here: bool = False) -> tuple[Span, ...]:
    """One line of the list, filling the width."""
    match row:
        case Heading(title, note):
            spans = [Span(glyphs.bar, "faint"), Span(one_line(title), "bright"), Span(f"  {note}", "dim")]
        case Invitation(provider):
            name = cut(one_line(provider.title), 24, glyphs)
            docs = provider.docs.removeprefix("https://")
            spans = [Span(f"{glyphs.pointer if here else ' '} {glyphs.off} {pad(name, 24)} ", "dim")]
            spans.append(Span(one_line(docs), "dim"))
        case KeyRow(line=line):
            spans = _key(line, now, width, glyphs, here)
    return _filled(spans, width, glyphs)


def _key(line: KeyLine, now: float, width: int, glyphs: Glyphs, here: bool) -> list[Span]:
    record, tone = line.record, tone_of(line)
    label = pad(cut(one_line(record.label), _label_width(width), glyphs), _label_width(width))
    spans = [
        Span(f"{glyphs.pointer if here else ' '} ", "bright"),
        Span(f"{sign(line, glyphs)} ", tone),
        Span(f"{label} ", "text" if record.enabled else "dim"),
    ]
    if width >= 52:
        spans.append(Span(f"{pad(record.masked, 12)} ", "dim"))
    if width >= MEDIUM:
        spans.append(Span(f"{pad(record.place.value, 8)} ", "dim"))
    right = _right(line, now, glyphs) if width >= WIDE else []
    room = width - _width(spans) - _width(right)
    spans.append(Span(pad(cut(words(line, now), room - 1, glyphs), room), tone))
    return [*spans, *right]


def _right(line: KeyLine, now: float, glyphs: Glyphs) -> list[Span]:
    """Quota and last use, each in a column that keeps its width."""
    used = f"{duration(now - line.used_at)} ago" if line.used_at else "not used yet"
    return [*_quota(line, glyphs, 17), Span(f"{used:>13} ", "dim")]


def _quota(line: KeyLine, glyphs: Glyphs, width: int) -> list[Span]:
    quota = line.record.quota
    if not quota or line.used is None:
        return [Span(" " * width)]
    cells = 6
    full = min(cells, -(-cells * line.used // quota)) if line.used else 0
    tone: Tone
    if line.used >= quota:
        tone = "error"
    elif line.used * 5 >= quota * 4:
        tone = "warning"
    else:
        tone = "text"
    count = f" {line.used:,}/{quota:,}"
    return [
        Span(glyphs.full * full, tone),
        Span(glyphs.empty * (cells - full), "faint"),
        Span(pad(count, width - cells), tone if tone != "text" else "dim"),
    ]


def sign(line: KeyLine, glyphs: Glyphs) -> str:
    """The state at a glance; the words beside it say the same."""
    match line.health:
        case "ready":
            return glyphs.on
        case "cooling":
            return glyphs.half
        case "off" | "locked":
            return glyphs.off
        case "out" | "missing":
            return "!"


def tone_of(line: KeyLine) -> Tone:
    """How it is drawn."""
    match line.health:
        case "ready":
            return "success"
        case "cooling" | "locked":
            return "warning"
        case "off":
            return "dim"
        case "out" | "missing":
            return "error"


def words(line: KeyLine, now: float) -> str:
    """The health in a few words, the wait first; of a key that is ready how its last test went."""
    if line.health != "ready" or line.tested is None:
        return health(line, now)
    if not line.tested.ok:
        return "ready, last test failed"
    return "ready, tested" if line.tested.proven else "ready"


def details(row: Row | None, now: float) -> tuple[tuple[Span, ...], ...]:
    """What the pane below the list says of the line under the cursor, the most important line first."""
    match row:
        case KeyRow(line=line):
            return _key_details(line, now)
        case Invitation(provider):
            return (
                (Span(f"{provider.title} has no key here.", "bright"),),
                (Span("Get one at ", "dim"), Span(provider.docs or "its website", "accent")),
                (Span("Then press Enter, or paste it here: it is recognised, tested and stored.", "text"),),
            )
        case _:
            return ((Span("Paste an API key here: it is recognised, tested and stored.", "text"),),)


def _key_details(line: KeyLine, now: float) -> tuple[tuple[Span, ...], ...]:
    record = line.record
    lines: list[tuple[Span, ...]] = [
        (
            Span(one_line(record.name), "bright"),
            Span(f"  {record.masked}  ", "text"),
            Span(f"stored in {place_words(record.place, record.where)}", "dim"),
        ),
        (Span(one_line(f"{words(line, now)}"), tone_of(line)), *_since(line, now)),
    ]
    if (tested := line.tested) is not None:
        limits = f"  {', '.join(tested.limits)}" if tested.limits else ""
        lines.append(
            (Span("test  ", "dim"), Span(one_line(tested.says), "text" if tested.ok else "error"), Span(limits, "dim"))
        )
        if tested.hint and not tested.ok:
            lines.append((Span("      "), Span(tested.hint, "dim")))
    elif record.place in (KeyLocation.ENVIRONMENT, KeyLocation.COMMAND):
        lines.append((Span("a stores a copy in your keyring or vault; this becomes the fallback.", "dim"),))
    if record.quota:
        reset = f", resets in {duration(line.resets_at - now)}" if line.resets_at else ""
        lines.append(
            (Span("quota ", "dim"), Span(f"{line.used or 0:,} of {record.quota:,} requests per day{reset}", "text"))
        )
    if record.notes:
        lines.append((Span("note  ", "dim"), Span(one_line(record.notes), "text")))
    if line.health == "locked":
        lines[1] = (Span("locked: press u and enter the passphrase", "warning"),)
    return tuple(lines)


def _since(line: KeyLine, now: float) -> tuple[Span, ...]:
    return (Span(f"  last used {duration(now - line.used_at)} ago", "dim"),) if line.used_at else ()


def place_words(place: KeyLocation, where: str = "") -> str:
    """A place for a sentence."""
    match place:
        case KeyLocation.KEYRING:
            return "the system's keyring"
        case KeyLocation.VAULT:
            return "your encrypted vault"
        case KeyLocation.COMMAND:
            return f"the command {where}"
        case KeyLocation.ENVIRONMENT:
            return f"the variable {where}"


_STATES: dict[str, tuple[str, Tone]] = {
    "ready": ("open", "success"),
    "locked": ("locked", "warning"),
    "new": ("not created yet", "dim"),
    "absent": ("not available", "dim"),
}


def title_fields(view: KeysView | None, glyphs: Glyphs) -> tuple[Field, ...]:
    """The head line: the screen's name, and the places that can store."""
    fields = [Field((Span(" KEYS ", "bright"),), rank=0)]
    for rank, status in enumerate(
        status for status in (view.places if view else ()) if status.place in ("keyring", "vault")
    ):
        fields.append(Field(_place(status, glyphs), rank=rank + 1, right=True))
    return tuple(fields)


def _place(status: PlaceStatus, glyphs: Glyphs) -> tuple[Span, ...]:
    state, tone = _STATES[status.state]
    dot = glyphs.on if status.state == "ready" else glyphs.off
    return (Span(f" {status.place.value} ", "dim"), Span(f"{dot} {state} ", tone))


def wrapped(fields: Sequence[Field], width: int, gap: int, most: int) -> tuple[tuple[Field, ...], ...]:
    """Fields over as many lines as they need, at most ``most``: nothing a mouse needs may vanish."""
    lines: list[list[Field]] = [[]]
    used = 0
    for field in fields:
        if lines[-1] and used + gap + field.width > width and len(lines) < most:
            lines.append([])
            used = 0
        used += field.width + (gap if lines[-1] else 0)
        lines[-1].append(field)
    return tuple(tuple(line) for line in lines)


def pad(text: str, width: int) -> str:
    """Cut or filled to so many cells."""
    return set_cell_size(text, max(0, width))


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """Cut with a sign that it was."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + glyphs.ellipsis if width > 1 else ""


def _label_width(width: int) -> int:
    if width >= WIDE:
        return 24
    if width >= MEDIUM:
        return 20
    return 14


def _width(spans: Sequence[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def _filled(spans: Sequence[Span], width: int, glyphs: Glyphs) -> tuple[Span, ...]:
    """Exactly so wide: what is too much is cut, the last piece with a sign."""
    filled, room = [], width
    for span in spans:
        text = cut(span.text, room, glyphs) if cell_len(span.text) > room else span.text
        filled.append(Span(text, span.tone))
        room -= cell_len(text)
        if room <= 0:
            break
    if room > 0:
        filled.append(Span(" " * room, "text"))
    return tuple(filled)
