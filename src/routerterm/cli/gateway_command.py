"""`routerterm gateway`: keys for the tools that use `routerterm serve`, each with limits of its own."""

from __future__ import annotations

import asyncio
import re
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line, write
from routerterm.cli.param_types import Dollars

if TYPE_CHECKING:
    from routerterm.engine.virtual_keys import VirtualKey
    from routerterm.wiring import Services

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ANY = click.IntRange(1, 1_000_000_000)


@click.group("gateway")
def command() -> None:
    """Keys for the tools that use `routerterm serve`.

    Your own programs need no key until you create the first one; from then on every client needs a key.

    \b
      routerterm gateway key add editor --daily 0.50 --models smart,fast
      routerterm gateway key list
    """


@command.command("token")
def token_command() -> None:
    """Print your own key, which has full access; it is stored in a file that only you can read.

    \b
      export OPENAI_API_KEY=$(routerterm gateway token)
    """
    from routerterm.config.paths import Paths
    from routerterm.gateway.own_key import own_key

    write(own_key(Paths.find()).reveal() + "\n")


@command.group("key")
def key() -> None:
    """Add, list and remove keys.  Only a hash of each is kept."""


@key.command("add")
@click.argument("name")
@click.option("--daily", type=Dollars(), help="Maximum US dollars per day.")
@click.option("--monthly", type=Dollars(), help="Maximum US dollars per month.")
@click.option("--balance", type=Dollars(), help="Maximum US dollars in total, from now on.")
@click.option("--rpm", type=_ANY, metavar="N", help="Maximum requests per minute.")
@click.option(
    "--tpm",
    type=_ANY,
    metavar="N",
    help="Maximum tokens per minute; an answer without a limit of its own is limited to 4,096.",
)
@click.option("--at-once", type=_ANY, metavar="N", help="Maximum concurrent requests.")
@click.option("--models", metavar="A,B", help="Routes and models that it may use; * matches anything: smart,openai/*.")
@click.option("--max-output", type=_ANY, metavar="N", help="Maximum tokens per answer.")
@click.option(
    "--tools",
    metavar="A,B",
    help="Hosted tools that it may use, without a question: web_search, or an MCP server or tool: wiki,files.read_*.",
)
@click.option("--cache", is_flag=True, help="Identical requests may be answered from the cache.")
@click.option("--hide-provider", is_flag=True, help="Do not tell it which provider and model answered.")
def add(
    name: str,
    daily: Decimal | None,
    monthly: Decimal | None,
    rpm: int | None,
    tpm: int | None,
    at_once: int | None,
    models: str | None,
    max_output: int | None,
    tools: str | None,
    cache: bool,
    balance: Decimal | None,
    hide_provider: bool,
) -> None:
    """Create a key for the tool NAME and print it once; it cannot be shown again."""

    from routerterm.engine.virtual_keys import Allowance, VirtualKey, new_token, to_row
    from routerterm.gateway.access import hash_of
    from routerterm.store.database import milliseconds

    if not _NAME.fullmatch(name):
        raise click.UsageError("A name may have up to 64 letters, digits, dots, dashes and underscores.")
    names, hosted = _listed(models), _listed(tools)
    if models is not None and not names:
        raise click.UsageError("--models names no model.")
    if tools is not None and not hosted:
        raise click.UsageError("--tools names no tool.")
    token = new_token(secrets.token_urlsafe)
    allowance = Allowance(
        rpm,
        tpm,
        at_once,
        daily=daily,
        monthly=monthly,
        models=names,
        max_output=max_output,
        cache=cache,
        balance=balance,
        tools=hosted,
        hidden=hide_provider,
    )
    made = VirtualKey(name, hash_of(token), token[-4:], milliseconds(), allowance)
    if not _with_services(lambda services: services.store.gateway_keys.add(to_row(made))):
        raise click.UsageError(f"There is a key {name} already; `routerterm gateway key remove {name}` removes it.")
    print_line(f"The key of {name} ({_words(made) or 'without limits'}); it is not shown again:", err=True)
    write(token + "\n")


def _listed(names: str | None) -> tuple[str, ...]:
    """The names between commas."""
    return tuple(word.strip() for word in (names or "").split(",") if word.strip())


@key.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(as_json: bool) -> None:
    """List the keys, their limits, and their costs today and this month."""
    rows = _with_services(_keys_and_use)
    if as_json:
        print_json([_as_json(*row) for row in rows], indent=2)
        return
    if not rows:
        print_line("No virtual keys.", err=True)
        return
    from routerterm.core.money import from_nano, with_unknown

    width = max(len(each.name) for each, *_ in rows)
    for each, *sums in rows:
        today, month = (with_unknown(from_nano(usd), unknown) for usd, unknown in sums)
        spent = f"today {today}, this month {month}"
        print_line(f"{each.name:<{width}}  rt-****{each.hint}  {spent}  {_words(each) or 'no limits'}")


@key.command("suspend")
@click.argument("name")
def suspend(name: str) -> None:
    """Suspend a key until `gateway key resume`; a running gateway follows within a second."""
    _changed(name, suspended=True)
    print_line(f"The key of {name} is suspended.", err=True)


@key.command("resume")
@click.argument("name")
def resume(name: str) -> None:
    """Resume a suspended key."""
    _changed(name, suspended=False)
    print_line(f"The key of {name} is active again.", err=True)


@key.command("top-up")
@click.argument("name")
@click.argument("amount", type=Dollars())
def top_up(name: str, amount: Decimal) -> None:
    """Add US dollars to the total a key may spend."""
    balance = (_changed(name).allowance.balance or Decimal(0)) + amount
    _changed(name, balance=balance)
    print_line(f"The key of {name} may spend ${balance} in total.", err=True)


def _changed(name: str, **fields: Any) -> VirtualKey:
    """The key with these fields of its allowance set, and written down.  Raises `UsageError` where there is none."""
    from msgspec.structs import replace

    from routerterm.engine.virtual_keys import of_row, to_row

    async def change(services: Services) -> VirtualKey | None:
        keys = services.store.gateway_keys
        row = next((row for row in await keys.all() if row["name"] == name), None)
        if row is None:
            return None
        made = of_row(row)
        made = replace(made, allowance=replace(made.allowance, **fields))
        if fields:
            await keys.change(name, to_row(made)["allowance"])
        return made

    found: VirtualKey | None = _with_services(change)
    if found is None:
        raise click.UsageError(f"There is no key {name}; `routerterm gateway key list` shows them.")
    return found


@key.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a key; a running gateway refuses it within a second."""
    if not _with_services(lambda services: services.store.gateway_keys.remove(name)):
        raise click.UsageError(f"There is no key {name}; `routerterm gateway key list` shows them.")
    print_line(f"The key of {name} is removed.", err=True)


async def _keys_and_use(services: Services) -> list[tuple[VirtualKey, tuple[int, bool], tuple[int, bool]]]:
    """Each key with what it has cost today and this month, and whether a part of that is not known."""
    from routerterm.core.ledger import Cap
    from routerterm.engine.virtual_keys import of_row
    from routerterm.router.decide.budget import day_start, month_start
    from routerterm.store.database import milliseconds

    now, zone = milliseconds(), services.zone
    found = []
    for row in await services.store.gateway_keys.all():
        each = of_row(row)
        name = each.client().name
        since = day_start(now, zone), month_start(now, zone)
        caps = [Cap("client", "usd", 0, beginning, name) for beginning in since]
        ledger = services.store.ledger
        today, month = zip(await ledger.used(caps), await ledger.unpriced(caps), strict=True)
        found.append((each, today, month))
    return found


def _words(each: VirtualKey) -> str:
    """What a key may do, in words."""
    from routerterm.core.money import show_usd

    own = each.allowance
    pieces = [
        f"{show_usd(own.daily)} a day" if own.daily is not None else "",
        f"{show_usd(own.monthly)} a month" if own.monthly is not None else "",
        f"{show_usd(own.balance)} in all" if own.balance is not None else "",
        "suspended" if own.suspended else "",
        f"{own.rpm} requests per minute" if own.rpm else "",
        f"{own.tpm:,} tokens a minute" if own.tpm else "",
        f"{own.at_once} at once" if own.at_once else "",
        f"only {', '.join(own.models)}" if own.models else "",
        f"tools {', '.join(own.tools)}" if own.tools else "",
        f"answers of at most {own.max_output:,} tokens" if own.max_output else "",
        "answers from the cache" if own.cache else "",
        "not told who answers" if own.hidden else "",
    ]
    return ", ".join(piece for piece in pieces if piece)


def _as_json(each: VirtualKey, *spent: tuple[int, bool]) -> dict[str, Any]:
    """Amounts are text in US dollars; ``unpriced`` says whether something cost what nobody knows."""
    from routerterm.core.money import from_nano
    from routerterm.engine.virtual_keys import to_row

    row = to_row(each)
    del row["digest"]
    today, month = (format(from_nano(usd), "f") for usd, _ in spent)
    return {**row, "today_usd": today, "month_usd": month, "unpriced": any(unknown for _, unknown in spent)}


def _with_services(work: Any) -> Any:
    from routerterm.wiring import open_app

    async def run() -> Any:
        async with open_app() as app:
            return await work(app)

    return asyncio.run(run())
