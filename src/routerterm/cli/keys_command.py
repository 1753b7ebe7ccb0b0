"""``routerterm keys``: list, add, test, remove, move, enable and disable keys; lock and unlock where they live.

A key is read from a hidden prompt or from standard input, never from an argument, where the shell's history
and every process list would keep it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from routerterm.cli.keys_format import as_json, table
from routerterm.cli.keys_prompts import (
    Steps,
    from_environment,
    hidden,
    is_new,
    make_open,
    new_passphrase,
    place_name,
    read_key,
    recognised,
    tell,
)
from routerterm.cli.output import print_json, print_line
from routerterm.config.keys.values import STORES, KeyLocation, ProbeResult
from routerterm.config.paths import Paths
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.secret import Secret
from routerterm.engine.keys.service import KeyService

T = TypeVar("T")
_PLACES = click.Choice([place.value for place in STORES])


@click.group("keys")
def command() -> None:
    """Add, test, list and remove API keys.

    They are stored in the system's keyring, or in routerterm's own encrypted vault where there is none;
    variables such as OPENAI_API_KEY are used where no key is stored.

    \b
      routerterm keys add
      pass show work/groq | routerterm keys add groq --label work
      routerterm keys test
    """


@command.command("list")
@click.option("--json", "as_data", is_flag=True, help="Print data instead of a table.")
def list_keys(as_data: bool) -> None:
    """List every key: where it is stored, its state, what is left of its quota."""

    async def work(key_service: KeyService) -> None:
        view = await key_service.view(with_empty=False)
        if as_data:
            print_json(as_json(view), indent=2)
            return
        print_line(table(view))

    _at_desk(work)


@command.command("add")
@click.argument("provider", default="")
@click.argument("extra", nargs=-1, metavar="")
@click.option("--label", default="", help="A name for the key, such as work.")
@click.option("--to", "place", type=_PLACES, help="Where to keep it; otherwise the keyring if there is one.")
@click.option("--quota", type=click.IntRange(min=1), help="Maximum requests in 24 hours.")
@click.option("--notes", default="", help="Notes about the key.")
@click.option("--replace", "replace_old", is_flag=True, help="Replace the key that has this label.")
@click.option("--from-env", "from_env", is_flag=True, help="Take it from the provider's environment variable.")
@click.option("--no-test", is_flag=True, help="Do not test the key at the provider.")
def add_key(
    provider: str, extra: tuple[str, ...], label: str, place: str | None, quota: int | None, notes: str,
    replace_old: bool, from_env: bool, no_test: bool,
) -> None:  # fmt: skip
    """Store a key.  It is read from a hidden prompt, or from standard input.

    Without PROVIDER, the provider is recognised by the key's prefix where possible.
    """
    if extra or len(provider) > 40 or secret_redactor(provider) != provider:
        raise VaultError(
            "A key must not be on the command line: it is now in your shell's history, so replace it.",
            "Run `routerterm keys add` and paste the new key when it asks; or pipe it in.",
        )

    async def work(key_service: KeyService) -> None:
        where = KeyLocation(place) if place else (await key_service.place_for_new_keys()).place
        step = Steps(await is_new(key_service, where) and sys.stdin.isatty())
        if from_env:
            name, key = await from_environment(key_service, provider)
        else:
            step("Paste a provider's API key; it is not shown.")
            name, key = recognised(key_service, read_key(), provider)
        secret = Secret(key)
        step(f"Choose a passphrase. Without it the {place_name(where)} cannot be opened again.")
        await make_open(key_service, where)
        result = None
        if not no_test:
            step(f"Asking {key_service.key_store.providers[name].title} about the key…")
            result = await key_service.try_out(name, secret)
            if result.refused:
                raise VaultError(f"{result.says.rstrip('.')}. It was not stored.", result.hint or "Copy the key again.")
        record = await key_service.add(
            name, secret, label=label, place=where, replace_old=replace_old, quota=quota, notes=notes
        )
        print_line(f"Stored {record.provider}/{record.label} ({record.masked}) in the {place_name(record.place)}.")
        if result is not None:
            tell(result)

    _at_desk(work)


@command.command("test")
@click.argument("provider", default="")
@click.argument("label", default="")
def test_keys(provider: str, label: str) -> None:
    """Test the keys at their providers."""

    async def work(key_service: KeyService) -> bool:
        rows = [await key_service.find(provider, label)] if label else await key_service.key_store.all_rows()
        rows = [row for row in rows if row.enabled and provider in ("", row.provider)]
        if not rows:
            raise VaultError("There is no key to test.", "Add one: `routerterm keys add`.")
        for place in sorted({row.place for row in rows}):
            await make_open(key_service, place)
        good = True
        for row in rows:
            print_line(f"{row.name}  {row.masked}")
            try:
                result = await key_service.test(row)
            except VaultError as error:
                result = ProbeResult(False, error.message, hint=error.hint)
            tell(result)
            good = good and result.ok
        return good

    if not _at_desk(work):
        sys.exit(1)


@command.command("remove")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_key(provider: str, label: str, yes: bool) -> None:
    """Remove a stored key permanently."""

    async def work(key_service: KeyService) -> None:
        row = await key_service.find(provider, label)
        if not yes:
            click.confirm(f"Remove {row.name} ({row.masked}) from the {place_name(row.place)}?", abort=True, err=True)
        await make_open(key_service, row.place)
        await key_service.remove(row)
        print_line(f"Removed {row.name}.")

    _at_desk(work)


@command.command("move")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--to", "place", type=_PLACES, help="Where to keep it; a key from a variable is copied there.")
@click.option("--up", is_flag=True, help="Move it up in the order.")
@click.option("--down", is_flag=True, help="Move it down in the order.")
def move_key(provider: str, label: str, place: str | None, up: bool, down: bool) -> None:
    """Move a key to another place, or change its order."""
    if (place is not None) + up + down != 1:
        raise click.UsageError("Give one of --to keyring, --to vault, --up or --down.")

    async def work(key_service: KeyService) -> None:
        row = await key_service.find(provider, label)
        if place is None:
            await key_service.shift(row, -1 if up else 1)
            order = ", ".join(other.label for other in await key_service.key_store.rows(provider))
            print_line(f"{provider} now uses: {order}.")
            return
        await make_open(key_service, row.place)
        await make_open(key_service, KeyLocation(place))
        moved = await key_service.move(row, KeyLocation(place))
        print_line(f"{moved.name} ({moved.masked}) is now in the {place_name(moved.place)}.")

    _at_desk(work)


@command.command("set")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--quota", type=click.IntRange(min=0), help="Maximum requests in 24 hours; 0 for no limit.")
@click.option("--notes", help="Notes about the key.")
def set_key(provider: str, label: str, quota: int | None, notes: str | None) -> None:
    """Set a key's quota or notes."""
    if quota is None and notes is None:
        raise click.UsageError("Give --quota, --notes or both.")

    async def work(key_service: KeyService) -> None:
        row = await key_service.find(provider, label)
        kept = row.quota if quota is None else quota or None
        await key_service.change(row, notes=row.notes if notes is None else notes, quota=kept)
        print_line(f"{row.name}: {f'{kept:,} requests a day' if kept else 'no quota'}.")

    _at_desk(work)


@command.command("enable")
@click.argument("provider")
@click.argument("label", default="")
def enable_key(provider: str, label: str) -> None:
    """Enable a key again."""
    _switch(provider, label, True)


@command.command("disable")
@click.argument("provider")
@click.argument("label", default="")
def disable_key(provider: str, label: str) -> None:
    """Disable a key without removing it."""
    _switch(provider, label, False)


@command.command("lock")
@click.argument("place", type=_PLACES, default=KeyLocation.VAULT.value)
def lock_place(place: str) -> None:
    """Lock the vault (or the keyring, for every program that uses it)."""

    async def work(key_service: KeyService) -> None:
        await key_service.lock(KeyLocation(place))
        print_line(f"The {place_name(KeyLocation(place))} is locked.")

    _at_desk(work)


@command.command("unlock")
@click.argument("place", type=_PLACES, default=KeyLocation.VAULT.value)
def unlock_place(place: str) -> None:
    """Unlock the vault or the keyring for a while."""

    async def work(key_service: KeyService) -> None:
        await make_open(key_service, KeyLocation(place))
        print_line(f"The {place_name(KeyLocation(place))} is open.")

    _at_desk(work)


@command.command("passphrase")
def change_passphrase() -> None:
    """Change the passphrase of the encrypted vault."""

    async def work(key_service: KeyService) -> None:
        old = hidden("Current passphrase")
        new = new_passphrase()
        await key_service.change_passphrase(old, new)
        print_line("The vault has a new passphrase.")

    _at_desk(work)


def _at_desk(work: Callable[[KeyService], Coroutine[Any, Any, T]]) -> T:
    """Run a piece of work with everything it needs."""
    from routerterm.wiring.keys import open_key_service

    async def run() -> T:
        async with open_key_service(Paths.find()) as key_service:
            return await work(key_service)

    return asyncio.run(run())


def _switch(provider: str, label: str, enabled: bool) -> None:
    async def work(key_service: KeyService) -> None:
        row = await key_service.find(provider, label)
        await key_service.set_enabled(row, enabled)
        print_line(f"{row.name} is {'enabled' if enabled else 'disabled'}.")

    _at_desk(work)
