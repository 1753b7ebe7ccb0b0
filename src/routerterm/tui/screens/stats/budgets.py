"""Budgets and virtual keys where they are shown: limits changed, keys suspended and resumed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from routerterm.config.write import set_value
from routerterm.core.errors import SettingsError
from routerterm.core.money import show_usd
from routerterm.core.sanitise import one_line
from routerterm.engine.virtual_keys import VirtualKey, of_row, to_row
from routerterm.tui.dialogs.ask import show_dialog
from routerterm.tui.dialogs.picker import Picker, later
from routerterm.tui.dialogs.prompt import PromptDialog
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.config.schema import BudgetSettings
    from routerterm.tui.app_context import AppContext

COLUMNS = (Column("", 0, grow=True), Column("limit", 0, right=True, most=24))
OWN = (
    ("day", "Every day", "US dollars a day"),
    ("month", "Every month", "US dollars a month"),
    ("request", "One request", "US dollars a request"),
    ("conversation", "One conversation", "US dollars a conversation"),
    ("requests_per_day", "Requests every day", "requests a day"),
    ("tokens_per_day", "Tokens every day", "tokens a day"),
)
TABLES = (("providers", "Provider"), ("models", "Model"), ("routes", "Route"))
KEY_LIMITS = (("daily", "every day"), ("monthly", "every month"), ("balance", "in all"))


class Limit(Struct, frozen=True):
    """Something that can be changed: an entry of the settings, or a virtual key's."""

    name: str
    value: Any
    unit: str = "US dollars"
    entry: str = ""
    """Where it stands in config.toml, with dots."""
    key: VirtualKey | None = None
    field: str = ""
    """What of the key it is; ``suspended`` is turned over."""
    table: str = ""
    """Of a limit that is still to be made: what its name is one of."""

    @property
    def id(self) -> str:
        """Tells it from the others."""
        return self.entry or (f"key {self.key.name} {self.field}" if self.key else f"add {self.table}")

    @property
    def shown(self) -> str:
        """Its value for a person."""
        if self.field == "suspended":
            return "suspended" if self.value else "active"
        if self.value is None:
            return "" if self.table else "none"
        return show_usd(self.value) if self.unit.startswith("US dollars") else f"{self.value:,}"


def limits_of(own: BudgetSettings, keys: Sequence[VirtualKey]) -> Iterator[Limit]:
    """Every limit that there is, and those that could be."""
    for field, name, unit in OWN:
        yield Limit(name, getattr(own, field), unit, f"budget.{field}")
    for table, title in TABLES:
        for about, caps in getattr(own, table).items():
            for field, when in (("day", "every day"), ("month", "every month"), ("request", "one request")):
                if field != "request" or caps.request is not None:
                    yield Limit(f"{title} {about}, {when}", getattr(caps, field), entry=entry_of(table, about, field))
        yield Limit(f"Add a limit for a {title.lower()}…", None, table=table)
    for key in keys:
        for field, when in KEY_LIMITS:
            yield Limit(f"Key {key.name}, {when}", getattr(key.allowance, field), key=key, field=field)
        turn = "resume" if key.allowance.suspended else "suspend"
        yield Limit(f"Key {key.name}: {turn}", key.allowance.suspended, key=key, field="suspended")


def entry_of(table: str, about: str, field: str) -> str:
    """The entry of a limit, as the settings' writer reads it."""
    quote = "'" if '"' in about else '"'
    return f"budget.{table}.{quote}{about}{quote}.{field}"


def amount_of(text: str, limit: Limit) -> Decimal | int | None:
    """What was typed; None takes the limit away.  Raises `SettingsError`."""
    text = text.strip().replace("$", "").replace("_", "")
    if not text or text.casefold() in ("none", "off"):
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise SettingsError(f"{one_line(text)!r} is not an amount.", "For example 2.50; empty is no limit.") from None
    if not amount.is_finite() or amount < 0:
        raise SettingsError("A limit cannot be negative or endless.", "Empty is no limit.")
    if limit.unit.startswith("US dollars"):
        return amount
    if amount != amount.to_integral_value():
        raise SettingsError(f"{one_line(text)} is not a whole number.", "For example 200.")
    return int(amount)


def show_budgets(app: AppContext, on: str | None = None) -> None:
    """The list of limits; Enter changes one and comes back to it."""
    limits: dict[str, Limit] = {}

    async def rows() -> Sequence[Row]:
        limits.clear()
        services = app.ready_services
        keys = [of_row(row) for row in await services.store.gateway_keys.all()]
        limits.update((limit.id, limit) for limit in limits_of(services.settings.budget, keys))
        return [Row(limit.id, (one_line(limit.name), limit.shown, "")) for limit in limits.values()]

    async def taken(id: str) -> None:
        limit = limits[id]
        if limit.key is not None and limit.field == "suspended":
            await _change_key(app, limit.key, suspended=not limit.value)
            word = "active again" if limit.value else "suspended"
            app.notify(f"The key of {limit.key.name} is {word}.", timeout=4, markup=False)
            show_budgets(app, id)
        elif limit.table:
            _ask_name(app, limit)
        else:
            _ask_amount(app, limit)

    picker = Picker(
        "Budgets and virtual keys", COLUMNS, later(rows), on=on, hint="Enter Change · Esc Close",
    )  # fmt: skip
    show_dialog(app, picker, taken)


def _ask_amount(app: AppContext, limit: Limit) -> None:
    async def take(text: str) -> None:
        amount = amount_of(text, limit)
        if limit.key is not None:
            await _change_key(app, limit.key, **{limit.field: amount})
        else:
            await asyncio.to_thread(set_value, app.paths, limit.entry, amount)
            await app.take_up_settings()

    async def again(text: str) -> None:
        app.notify(f"{limit.name}: {text.strip() or 'no limit'}", timeout=3, markup=False)
        show_budgets(app, limit.id)

    if limit.value is None:
        value = ""
    elif isinstance(limit.value, Decimal):
        value = format(limit.value, "f")
    else:
        value = str(limit.value)
    if limit.entry:
        where = f"[budget] in {app.paths.config_file.name}"
    elif limit.key:
        where = f"virtual key {limit.key.name}"
    else:
        where = ""
    words = f"{limit.unit[:1].upper()}{limit.unit[1:]}; empty is no limit. Kept in: {where}."
    show_dialog(app, PromptDialog(limit.name, words, value, hint="Enter Save · Esc Close", take=take), again)


def _ask_name(app: AppContext, limit: Limit) -> None:
    """For what the new limit is to be, then how much."""
    about = limit.table[:-1]

    async def check(text: str) -> None:
        name = text.strip()
        services = app.ready_services
        if limit.table == "models" and not re.fullmatch(r"[^\s/]+/\S+", name):
            raise SettingsError("A model is written provider/model.", "For example openai/gpt-5.5.")
        if limit.table == "providers" and services.catalog.provider(name) is None:
            raise SettingsError(f"There is no provider {one_line(name)!r}.", "Ctrl+O lists models and their providers.")
        if limit.table == "routes" and services.options.route(name) is None:
            raise SettingsError(f"There is no route {one_line(name)!r}.", "F7 lists the routes.")

    async def named(text: str) -> None:
        name = text.strip()
        entry = entry_of(limit.table, name, "month")
        _ask_amount(app, Limit(f"{about.capitalize()} {name}, every month", None, entry=entry))

    title = limit.name.removesuffix("…")
    words = f"The name of the {about}" + (", as provider/model" if limit.table == "models" else "") + "."
    show_dialog(app, PromptDialog(title, words, hint="Enter Next · Esc Close", take=check), named)


async def _change_key(app: AppContext, key: VirtualKey, **fields: Any) -> None:
    """Another allowance for a virtual key; a running gateway follows within a second."""
    changed = replace(key, allowance=replace(key.allowance, **fields))
    if not await app.ready_services.store.gateway_keys.change(key.name, to_row(changed)["allowance"]):
        raise SettingsError(f"There is no virtual key {key.name} any more.")
