"""``routerterm keys``: list, add, test, remove, move, enable and disable keys; lock and unlock where they live.

A key is read from a hidden prompt or from standard input, never from an argument, where the shell's history
and every process list would keep it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from routerterm.cli.keys_words import as_json, table
from routerterm.config.keys.errors import VaultLocked, WrongPassphrase
from routerterm.config.keys.values import STORES, Place, ProbeResult
from routerterm.config.paths import Paths
from routerterm.core.errors import VaultError
from routerterm.core.redact import KNOWN
from routerterm.core.secret import Secret
from routerterm.engine.key_desk import KeyDesk

T = TypeVar("T")
_PLACES = click.Choice([place.value for place in STORES])
_TRIES = 3


@click.group("keys")
def command() -> None:
    """Add, test, list and remove API keys.

    They live in the system's keyring, or in an encrypted vault of routerterm's own where there is none;
    variables such as OPENAI_API_KEY are used where nothing is stored.
    """


@command.command("list")
@click.option("--json", "as_data", is_flag=True, help="Print data instead of a table.")
def list_keys(as_data: bool) -> None:
    """Show every key: where it lives, how it is, what is left of its quota."""

    async def work(desk: KeyDesk) -> None:
        view = await desk.view(with_empty=False)
        if as_data:
            click.echo(json.dumps(as_json(view), indent=2, ensure_ascii=False))
            return
        click.echo(table(view))

    _at_desk(work)


@command.command("add")
@click.argument("provider", default="")
@click.argument("extra", nargs=-1, metavar="")
@click.option("--label", default="", help="A name for the key, such as work.")
@click.option("--to", "place", type=_PLACES, help="Where to keep it; otherwise the keyring if there is one.")
@click.option("--quota", type=click.IntRange(min=1), help="Most requests in 24 hours.")
@click.option("--notes", default="", help="Anything you want to remember about it.")
@click.option("--replace", "replace_old", is_flag=True, help="Replace the key that has this label.")
@click.option("--from-env", "from_env", is_flag=True, help="Take it from the provider's environment variable.")
@click.option("--no-test", is_flag=True, help="Do not ask the provider whether it is good.")
def add_key(
    provider: str, label: str, place: str | None, quota: int | None, notes: str, replace_old: bool, from_env: bool,
    no_test: bool,
) -> None:  # fmt: skip
    """Store a key.  It is asked for without showing it, or read from standard input.

    PROVIDER is recognised by the key's own prefix where that tells.
    """
    if extra or len(provider) > 40 or KNOWN(provider) != provider:
        raise VaultError(
            "A key does not belong on the command line: your shell has it in its history now, so replace it.",
            "Run `routerterm keys add` and paste the new key when it asks; or pipe it in.",
        )

    async def work(desk: KeyDesk) -> None:
        where = Place(place) if place else (await desk.place_for_new_keys()).place
        step = _Steps(await _is_new(desk, where) and sys.stdin.isatty())
        if from_env:
            name, key = await _from_environment(desk, provider)
        else:
            step("Paste the key of a provider; it is not shown while you do.")
            name, key = _recognised(desk, _read_key(), provider)
        secret = Secret(key)
        step(f"Choose a passphrase: nobody can read the {_place_name(where)} without it, you included.")
        await _make_open(desk, where)
        result = None
        if not no_test:
            step(f"Asking {desk.keyring.providers[name].title} about the key…")
            result = await desk.try_out(name, secret)
            if result.refused:
                raise VaultError(f"{result.says.rstrip('.')}. It was not stored.", result.hint or "Copy the key again.")
        record = await desk.add(
            name, secret, label=label, place=where, replace_old=replace_old, quota=quota, notes=notes
        )
        click.echo(f"Stored {record.provider}/{record.label} ({record.masked}) in the {_place_name(record.place)}.")
        if result is not None:
            _tell(result)

    _at_desk(work)


@command.command("test")
@click.argument("provider", default="")
@click.argument("label", default="")
def test_keys(provider: str, label: str) -> None:
    """Ask the providers whether the keys are good, and what they allow."""

    async def work(desk: KeyDesk) -> bool:
        rows = [await desk.find(provider, label)] if label else await desk.keyring.all_rows()
        rows = [row for row in rows if row.enabled and provider in ("", row.provider)]
        if not rows:
            raise VaultError("There is no key to test.", "Add one: `routerterm keys add`.")
        for place in sorted({row.place for row in rows}):
            await _make_open(desk, place)
        good = True
        for row in rows:
            click.echo(f"{row.name}  {row.masked}")
            try:
                result = await desk.test(row)
            except VaultError as error:
                result = ProbeResult(False, error.message, hint=error.hint)
            _tell(result)
            good = good and result.ok
        return good

    if not _at_desk(work):
        sys.exit(1)


@command.command("remove")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_key(provider: str, label: str, yes: bool) -> None:
    """Forget a stored key for good."""

    async def work(desk: KeyDesk) -> None:
        row = await desk.find(provider, label)
        if not yes:
            click.confirm(f"Remove {row.name} ({row.masked}) from the {_place_name(row.place)}?", abort=True, err=True)
        await _make_open(desk, row.place)
        await desk.remove(row)
        click.echo(f"Removed {row.name}.")

    _at_desk(work)


@command.command("move")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--to", "place", type=_PLACES, help="Where it shall live; a variable's key is adopted there.")
@click.option("--up", is_flag=True, help="Prefer it more than its neighbour.")
@click.option("--down", is_flag=True, help="Prefer it less.")
def move_key(provider: str, label: str, place: str | None, up: bool, down: bool) -> None:
    """Let a key live elsewhere, or change its place in the order."""
    if (place is not None) + up + down != 1:
        raise click.UsageError("Say one of --to keyring, --to vault, --up or --down.")

    async def work(desk: KeyDesk) -> None:
        row = await desk.find(provider, label)
        if place is None:
            await desk.shift(row, -1 if up else 1)
            order = ", ".join(other.label for other in await desk.keyring.rows(provider))
            click.echo(f"{provider} now uses: {order}.")
            return
        await _make_open(desk, row.place)
        await _make_open(desk, Place(place))
        moved = await desk.move(row, Place(place))
        click.echo(f"{moved.name} ({moved.masked}) now lives in the {_place_name(moved.place)}.")

    _at_desk(work)


@command.command("set")
@click.argument("provider")
@click.argument("label", default="")
@click.option("--quota", type=click.IntRange(min=0), help="Most requests in 24 hours; 0 for none.")
@click.option("--notes", help="Anything you want to remember about it.")
def set_key(provider: str, label: str, quota: int | None, notes: str | None) -> None:
    """Set a key's quota or notes."""
    if quota is None and notes is None:
        raise click.UsageError("Say --quota, --notes or both.")

    async def work(desk: KeyDesk) -> None:
        row = await desk.find(provider, label)
        kept = row.quota if quota is None else quota or None
        await desk.describe(row, notes=row.notes if notes is None else notes, quota=kept)
        click.echo(f"{row.name}: {f'{kept:,} requests a day' if kept else 'no quota'}.")

    _at_desk(work)


@command.command("enable")
@click.argument("provider")
@click.argument("label", default="")
def enable_key(provider: str, label: str) -> None:
    """Let a key be used again."""
    _switch(provider, label, True)


@command.command("disable")
@click.argument("provider")
@click.argument("label", default="")
def disable_key(provider: str, label: str) -> None:
    """Keep a key, but do not use it."""
    _switch(provider, label, False)


@command.command("lock")
@click.argument("place", type=_PLACES, default=Place.VAULT.value)
def lock_place(place: str) -> None:
    """Close the vault (or the keyring, for every program that uses it)."""

    async def work(desk: KeyDesk) -> None:
        await desk.lock(Place(place))
        click.echo(f"The {_place_name(Place(place))} is locked.")

    _at_desk(work)


@command.command("unlock")
@click.argument("place", type=_PLACES, default=Place.VAULT.value)
def unlock_place(place: str) -> None:
    """Open the vault or the keyring for a while."""

    async def work(desk: KeyDesk) -> None:
        await _make_open(desk, Place(place))
        click.echo(f"The {_place_name(Place(place))} is open.")

    _at_desk(work)


@command.command("passphrase")
def change_passphrase() -> None:
    """Change the passphrase of the encrypted vault."""

    async def work(desk: KeyDesk) -> None:
        old = _hidden("Present passphrase")
        new = _new_passphrase()
        await desk.change_passphrase(old, new)
        click.echo("The vault has a new passphrase.")

    _at_desk(work)


def _at_desk(work: Callable[[KeyDesk], Coroutine[Any, Any, T]]) -> T:
    """Run a piece of work with everything it needs."""
    from routerterm.wiring.keys import open_desk

    async def run() -> T:
        async with open_desk(Paths.find()) as desk:
            return await work(desk)

    return asyncio.run(run())


def _switch(provider: str, label: str, enabled: bool) -> None:
    async def work(desk: KeyDesk) -> None:
        row = await desk.find(provider, label)
        await desk.set_enabled(row, enabled)
        click.echo(f"{row.name} is {'enabled' if enabled else 'disabled'}.")

    _at_desk(work)


def _read_key() -> str:
    """A key from the hidden prompt, or all of standard input where that is no terminal."""
    if sys.stdin.isatty():
        return _hidden("API key")
    return sys.stdin.read(64 * 1024)


def _recognised(desk: KeyDesk, text: str, provider: str) -> tuple[str, str]:
    """Provider and key.  Raises `VaultError` where the provider cannot be told."""
    pasted = desk.recognise(text)
    known = desk.keyring.providers
    if provider:
        if provider not in known:
            raise VaultError(f"There is no provider {provider}.", f"Known are: {', '.join(known)}.")
        if pasted.providers and provider not in pasted.providers:
            click.echo(
                f"  This looks like a key of {known[pasted.providers[0]].title}; storing it as you said.", err=True
            )
        return provider, pasted.key
    if len(pasted.providers) == 1:
        click.echo(f"Recognised as a key of {known[pasted.providers[0]].title}.", err=True)
        return pasted.providers[0], pasted.key
    choices = pasted.providers or tuple(info.name for info in known.values() if info.needs_key)
    if not sys.stdin.isatty():
        raise VaultError("The key does not tell whose it is.", f"Name the provider: {', '.join(choices)}.")
    return click.prompt("Whose key is it?", type=click.Choice(choices), err=True), pasted.key


async def _from_environment(desk: KeyDesk, provider: str) -> tuple[str, str]:
    rows = [row for row in await desk.keyring.all_rows() if row.place is Place.ENVIRONMENT]
    rows = [row for row in rows if provider in ("", row.provider)]
    if len(rows) != 1:
        names = ", ".join(f"{row.provider} ({row.where})" for row in rows)
        hint = f"Name one provider: {names}." if rows else "Set its variable, or paste the key: `routerterm keys add`."
        raise VaultError("Which variable is meant is not clear." if rows else "No variable holds a key.", hint)
    return rows[0].provider, (await desk.keyring.secret(rows[0])).reveal()


async def _make_open(desk: KeyDesk, place: Place) -> None:
    """Ask for the passphrase of a locked or new place; nothing to do for the others."""
    status = next((status for status in await desk.keyring.places() if status.place is place), None)
    if status is None:
        raise VaultError(f"The settings do not allow keys in {place.value}.", "See `order` in [keys].")
    if status.state == "absent":
        raise VaultError(
            f"The {_place_name(place)} is not to be had: {status.detail}", "Choose another place with --to."
        )
    if status.state == "ready":
        return
    if not sys.stdin.isatty() and not _has_terminal():
        raise VaultLocked(
            f"The {_place_name(place)} is {'not made yet' if status.state == 'new' else 'locked'}.",
            "Open it in a terminal first: `routerterm keys unlock`.",
            place=place,
        )
    if status.state == "new":
        await desk.unlock(place, _new_passphrase())
        return
    for left in reversed(range(_TRIES)):
        try:
            await desk.unlock(place, _hidden(f"Passphrase of the {_place_name(place)}"))
            return
        except WrongPassphrase as error:
            if not left:
                raise
            click.echo(f"  {error.message} Try again.", err=True)


class _Steps:
    """Counts a first-time user through the three steps; for everyone else there is nothing to explain."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._done = 0

    def __call__(self, sentence: str) -> None:
        """Say what comes now."""
        self._done += 1
        if self._wanted:
            click.echo(f"{self._done} of 3. {sentence}", err=True)


async def _is_new(desk: KeyDesk, place: Place) -> bool:
    return any(status.place is place and status.state == "new" for status in await desk.keyring.places())


def _new_passphrase() -> str:
    from routerterm.config.keys.own import SHORTEST_PASSPHRASE

    while True:
        first = _hidden(f"New passphrase (at least {SHORTEST_PASSPHRASE} characters)")
        if len(first) < SHORTEST_PASSPHRASE:
            click.echo("  That is too short.", err=True)
        elif _hidden("The same again") != first:
            click.echo("  Those two differ.", err=True)
        else:
            return first


def _has_terminal() -> bool:
    """Whether a person can be asked though standard input is something else."""
    try:
        with open("/dev/tty", "rb"):
            return True
    except OSError:
        return False


def _hidden(prompt: str) -> str:
    """Ask without showing what is typed; on the terminal itself, even where standard input is a pipe."""
    from getpass import getpass

    try:
        return getpass(f"{prompt}: ")
    except EOFError as error:
        raise click.Abort from error


def _tell(result: ProbeResult) -> None:
    """What a test gave, on two lines."""
    sign = "?" if result.ok and not result.proven else "+" if result.ok else "!"
    click.echo(f"  {sign} {result.says}")
    for line in (", ".join(result.limits), "" if result.ok else result.hint):
        if line:
            click.echo(f"    {line}")


def _place_name(place: Place) -> str:
    return {
        Place.KEYRING: "system's keyring",
        Place.VAULT: "encrypted vault",
        Place.COMMAND: "command",
        Place.ENVIRONMENT: "environment",
    }[place]
