"""What the route screen shows: every route as it stands now, and the health of all that was asked.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.counting import counted
from routerterm.core.money import with_unknown
from routerterm.core.sanitise import one_line
from routerterm.core.targets import Candidate, Decision, Target
from routerterm.router.decide.circuit_breaker import Health
from routerterm.tui.chat.entries import words
from routerterm.tui.widgets.fields import Span, Tone
from routerterm.tui.widgets.rows import Cells, Column, Row
from routerterm.tui.widgets.status import cost_range

if TYPE_CHECKING:
    from routerterm.engine.replay.report import Replay
    from routerterm.router.options import Route
    from routerterm.tui.themes.values import Glyphs

COLUMNS = (
    Column("", 0, most=3),
    Column("", 0, grow=True),
    Column("", 1, most=38),
    Column("", 2, most=34),
    Column("", 4, right=True),
    Column("", 3, right=True),
)
Resolve = Callable[[str], Target | None]
"""The model that an entry of a route means; None for a route within a route."""


class Place(Struct, frozen=True):
    """What a row of the list stands for."""

    kind: str
    """``route``, ``entry``, ``candidate``, ``provider`` or ``model``."""
    route: str = ""
    entry: str = ""
    target: str = ""

    @property
    def id(self) -> str:
        """As a row's id."""
        return "\t".join((self.kind, self.route, self.entry, self.target))

    @classmethod
    def of(cls, id: str) -> Place:
        """What a row's id stands for."""
        return cls(*id.split("\t")) if id else cls("")


def route_rows(
    routes: Iterable[Route],
    decisions: Mapping[str, Decision | str],
    health: Mapping[Target, Health],
    resolve: Resolve,
    glyphs: Glyphs,
) -> Iterator[Row]:
    """Every route: its entries in their order, each with its turn now, or why it is passed over."""
    for route in routes:
        hedge = f" {glyphs.dot} hedged" if route.hedge else ""
        decision = decisions[route.name]
        wrong = one_line(decision) if isinstance(decision, str) else ""
        yield Row(
            Place("route", route.name).id,
            (
                (Span(f" {glyphs.pointer}", "bright"),),
                (Span(route.name, "bright"),),
                (Span(f"{route.strategy}{hedge}", "accent"),),
                (Span(wrong, "warning"),),
                "",
                "",
            ),
            detail=f"{route.name}: {route.strategy}{hedge}. {wrong}",
        )
        yield from _entries(route, decision, health, resolve)


def _entries(
    route: Route, decision: Decision | str, health: Mapping[Target, Health], resolve: Resolve
) -> Iterator[Row]:
    ranked: Mapping[Target, tuple[int, Candidate]] = {}
    reasons: Mapping[Target, str] = {}
    if not isinstance(decision, str):
        ranked = {candidate.target: (n, candidate) for n, candidate in enumerate(decision.candidates, 1)}
        reasons = {passed.target: passed.reason for passed in decision.passed_over}
    told: set[Target] = set()
    for model in route.models:
        target = resolve(model.name)
        weight = f" {model.weight:g}" if model.weight != 1.0 else ""
        if target is None:
            yield Row(Place("entry", route.name, model.name).id, ("", f"{model.name}{weight}", "", "a route", "", ""))
        else:
            told.add(target)
            name = str(target) if model.name in (str(target), target.provider) else f"{model.name} = {target}"
            yield _row(Place("entry", route.name, model.name, str(target)), f"{name}{weight}", ranked, reasons, health)
    for target in (*ranked, *reasons):
        if target not in told:
            told.add(target)
            yield _row(Place("candidate", route.name, "", str(target)), str(target), ranked, reasons, health)


def _row(
    place: Place,
    name: str,
    ranked: Mapping[Target, tuple[int, Candidate]],
    reasons: Mapping[Target, str],
    health: Mapping[Target, Health],
) -> Row:
    target = Target.parse(place.target)
    first = measured(health.get(target, Health()))
    if target in ranked:
        number, candidate = ranked[target]
        cost = cost_range(candidate.forecast) if candidate.forecast else ""
        state, tone = health_words(health.get(target, Health()))
        why = one_line(candidate.why)
        said = (Span("" if state == "OK" else state, tone),)
        cells: Cells = (f"{number:>2}.", name, (Span(why, "dim"),), said, (Span(cost, "dim"),), first)
        return Row(place.id, cells, detail=", ".join(filter(None, (why, state, cost, first))))
    reason = one_line(reasons.get(target, ""))
    cells = (" -", name, (Span(reason, "dim" if reason == "no key" else "warning"),), "", "", first)
    return Row(place.id, cells, "dim", detail=f"passed over: {reason}")


def health_rows(
    health: Mapping[Target, Health],
    keys: Mapping[str, Sequence[tuple[str, str]]],
    glyphs: Glyphs,
    keyless: Collection[str] = (),
) -> Iterator[Row]:
    """Every provider that has a key or was asked lately: its keys, and how its models fared; ``keyless`` need none."""
    yield Row("", ("",), "dim")
    yield Row("", ("health of providers",))
    providers = sorted({*keys, *(target.provider for target in health)})
    for provider in providers:
        said = f" {glyphs.dot} ".join(f"key {label} {state}" for label, state in keys.get(provider, ()))
        said = said or ("needs no key" if provider in keyless else "no key")
        head = (Span(provider, "bright"),)
        cells: Cells = ("", head, (Span(said, "dim"),), "", "", "")
        yield Row(Place("provider", target=provider).id, cells, detail=said)
        for target, reading in sorted(health.items()):
            if target.provider == provider:
                state, tone = health_words(reading)
                cells = ("", f"  {target.model}", state, _tried(reading), "", measured(reading))
                detail = ", ".join(filter(None, (state, _tried(reading), measured(reading))))
                yield Row(Place("model", target=str(target)).id, cells, tone, detail=detail)
    if not providers:
        yield Row("", ("No requests yet, and no key.",), "dim")


def measured(reading: Health) -> str:
    """How quick it was: seconds to the first token, and tokens a second."""
    first = f"TTFT {reading.ttft:.1f} s" if reading.ttft is not None else ""
    speed = f"{reading.speed:3.0f} tok/s" if reading.speed is not None else ""
    return " ".join(filter(None, (first, speed)))


def _tried(reading: Health) -> str:
    return f"{reading.calls - reading.failures} of {reading.calls} answered" if reading.calls else ""


def health_words(reading: Health) -> tuple[str, Tone]:
    """How a model is, in words."""
    last = f", last {words(reading.last_error)}" if reading.last_error else ""
    if reading.avoided_for:
        return f"avoided for {reading.avoided_for / 60:.0f} min more", "warning"
    if reading.open_for:
        return f"cooling down {reading.open_for:.0f} s{last}", "error"
    if reading.probing:
        return f"the next request tries it again{last}", "warning"
    if reading.gone_for:
        return "the provider has no such model", "error"
    if reading.failures:
        return f"{reading.failures} of {reading.calls} failed{last}", "warning"
    return "OK", "text"


def moved(names: Sequence[str], name: str, step: int) -> list[str]:
    """The names with one of them further up or down."""
    here = list(names).index(name)
    there = max(0, min(len(names) - 1, here + step))
    rest = [*names[:here], *names[here + 1 :]]
    return [*rest[:there], name, *rest[there:]]


def replay_words(found: Replay, days: int) -> str:
    """What a change would have made of the last days, in a line."""
    was, would = found.was, found.would
    costs = [with_unknown(side.cost, bool(side.unpriced)) for side in (would, was)]
    waits = [f"{side.waited / max(1, side.requests):.1f} s" for side in (would, was)]
    said = [
        f"{costs[0]} instead of {costs[1]}",
        f"mean wait {waits[0]} instead of {waits[1]}",
        f"{would.failed:,} instead of {was.failed:,} without an answer",
    ]
    return f"The last {days} days ({counted(was.requests, 'request')}) would have been: {', '.join(said)}."
