"""What keys do on the stats screen: bindings, key bar and F1 follow from this table."""

from __future__ import annotations

from typing import Literal, TypeAlias

from routerterm.engine.usage.cockpit import Against
from routerterm.engine.usage.periods import Zoom
from routerterm.tui.actions import Action

Sort: TypeAlias = Literal["cost", "requests", "tokens", "errors", "TTFT", "tok/s", "name"]
SORTS: tuple[Sort, ...] = ("cost", "requests", "tokens", "errors", "TTFT", "tok/s", "name")
PERIODS: dict[Zoom, str] = {
    "hour": "This hour",
    "day": "Today",
    "week": "7 days",
    "month": "30 days",
    "year": "52 weeks",
    "all": "All",
}
"""The zooms, by the keys from 1 on."""
AGAINST: dict[Against, str] = {"": "nothing", "before": "the period before", "year": "a year before"}

ACTIONS = (
    Action("escape,q", "Back", "app.pop_screen", "stats.back", rank=0),
    Action("tab,b", "Group by the next property", "by(1)", "stats.by", rank=1, short="Group"),
    Action("shift+tab,B", "Group by the previous property", "by(-1)", "stats.by_back"),
    Action("v", "Next chart: cost, tokens, hours of the week, calendar, time to first token, speed", "view(1)",
           "stats.view", rank=2, short="Chart"),
    Action("V", "Previous chart", "view(-1)", "stats.view_back"),
    Action("plus,equals_sign", "Zoom in: from all there is to an hour", "zoom(-1)", "stats.in"),
    Action("minus", "Zoom out", "zoom(1)", "stats.out"),
    Action("left", "The period before", "step(1)", "stats.earlier", rank=5, short="Earlier"),
    Action("right", "The period after", "step(-1)", "stats.later", rank=7, short="Later"),
    Action("m", "Budgets and virtual keys: change, suspend, resume", "budgets", "stats.budgets", rank=2,
           short="Budgets"),
    Action("c", "Compare with the period before, then with a year before", "compare", "stats.compare", rank=4,
           short="Compare"),
    Action("s", "Sort by another column", "sort", "stats.sort", rank=6, short="Sort"),
    Action("l", "Request log, with filters", "log('all')", "stats.log", rank=3, short="Log"),
    Action("e", "Requests that failed", "log('errors')", "stats.errors", rank=6, short="Errors"),
    Action("h", "What the guard found", "guard", "stats.guard", rank=7, short="Guard"),
    Action("i", "All figures in one list", "figures", "stats.figures", rank=8, short="Figures"),
    Action("x", "Write what is shown as CSV", "export('csv')", "stats.csv", rank=9, short="CSV"),
    Action("o", "Write what is shown as JSON", "export('json')", "stats.json", rank=9, short="JSON"),
    *(Action(f"{number}", f"Period: {name}", f"period('{zoom}')", f"stats.{zoom}")
      for number, (zoom, name) in enumerate(PERIODS.items(), 1)),
)  # fmt: skip
