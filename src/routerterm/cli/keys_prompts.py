"""What ``routerterm keys`` asks a person: keys and passphrases, unseen, on the terminal itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from routerterm.cli.output import print_line
from routerterm.config.keys.errors import VaultLocked, WrongPassphrase
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.keys.values import KeyLocation, ProbeResult
from routerterm.core.errors import VaultError

if TYPE_CHECKING:
    from routerterm.config.keys.key_manager import KeyManager
    from routerterm.engine.keys.service import KeyService

_TRIES = 3


def read_key() -> str:
    """A key from the hidden prompt, or all of standard input where that is no terminal."""
    if sys.stdin.isatty():
        return hidden("API key")
    return sys.stdin.read(64 * 1024)


def recognised(key_service: KeyService, text: str, provider: str) -> tuple[str, str]:
    """Provider and key.  Raises `VaultError` where the provider cannot be told."""
    pasted = key_service.recognise(text)
    known = key_service.key_store.providers
    if provider:
        if provider not in known:
            raise VaultError(f"There is no provider {provider}.", f"Known are: {', '.join(known)}.")
        if pasted.providers and provider not in pasted.providers:
            print_line(
                f"  This looks like a key of {known[pasted.providers[0]].title}; storing it as you said.", err=True
            )
        return provider, pasted.key
    if len(pasted.providers) == 1:
        print_line(f"Recognised as a key of {known[pasted.providers[0]].title}.", err=True)
        return pasted.providers[0], pasted.key
    choices = pasted.providers or tuple(info.name for info in known.values() if info.needs_key)
    if not sys.stdin.isatty():
        raise VaultError("The key's provider cannot be recognised.", f"Give the provider: {', '.join(choices)}.")
    return click.prompt("Which provider is it for?", type=click.Choice(choices), err=True), pasted.key


async def from_environment(key_service: KeyService, provider: str) -> tuple[str, str]:
    """Provider and key of the variable that is meant.  Raises `VaultError` where that is not clear."""
    rows = [row for row in await key_service.key_store.all_rows() if row.place is KeyLocation.ENVIRONMENT]
    rows = [row for row in rows if provider in ("", row.provider)]
    if len(rows) != 1:
        names = ", ".join(f"{row.provider} ({row.where})" for row in rows)
        hint = f"Give one provider: {names}." if rows else "Set its variable, or paste the key: `routerterm keys add`."
        raise VaultError("More than one variable holds a key." if rows else "No variable holds a key.", hint)
    return rows[0].provider, (await key_service.key_store.secret(rows[0])).reveal()


async def make_open(key_service: KeyService, place: KeyLocation) -> None:
    """Ask for the passphrase of a locked or new place; nothing to do for the others."""
    status = next((status for status in await key_service.key_store.places() if status.place is place), None)
    if status is None:
        raise VaultError(f"The settings do not allow keys in {place.value}.", "See `order` in [keys].")
    if status.state == "absent":
        raise VaultError(
            f"The {place_name(place)} is not available: {status.detail}", "Choose another place with --to."
        )
    if status.state == "ready":
        return
    if not sys.stdin.isatty() and not has_terminal():
        raise VaultLocked(
            f"The {place_name(place)} is {'not made yet' if status.state == 'new' else 'locked'}.",
            "Open it in a terminal first: `routerterm keys unlock`.",
            place=place,
        )
    if status.state == "new":
        await key_service.unlock(place, new_passphrase())
    else:
        await _ask_until_open(key_service, place)


async def open_locked(key_store: KeyStore, model: str) -> None:
    """Ask for the passphrases that a model's keys need, before it is asked, if a person is there to ask."""
    if has_terminal():
        from routerterm.config.keys.key_manager import KeyManager

        for status in await key_store.locked_places(model):
            await _ask_until_open(KeyManager(key_store), status.place)


async def _ask_until_open(key_manager: KeyManager, place: KeyLocation) -> None:
    for left in reversed(range(_TRIES)):
        try:
            await key_manager.unlock(place, hidden(f"Passphrase of the {place_name(place)}"))
            return
        except WrongPassphrase as error:
            if not left:
                raise
            print_line(f"  {error.message} Try again.", err=True)


class Steps:
    """Counts a first-time user through the three steps; for everyone else there is nothing to explain."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._done = 0

    def __call__(self, sentence: str) -> None:
        """Say what comes now."""
        self._done += 1
        if self._wanted:
            print_line(f"{self._done} of 3. {sentence}", err=True)


async def is_new(key_service: KeyService, place: KeyLocation) -> bool:
    """Whether a place will be made with the passphrase it is given."""
    return any(status.place is place and status.state == "new" for status in await key_service.key_store.places())


def new_passphrase() -> str:
    """Ask for one twice, until both agree and it is long enough."""
    from routerterm.config.keys.encrypted_vault import SHORTEST_PASSPHRASE

    while True:
        first = hidden(f"New passphrase (at least {SHORTEST_PASSPHRASE} characters)")
        if len(first) < SHORTEST_PASSPHRASE:
            print_line("  That is too short.", err=True)
        elif hidden("Repeat the passphrase") != first:
            print_line("  The passphrases differ.", err=True)
        else:
            return first


def has_terminal() -> bool:
    """Whether a person can be asked though standard input is something else."""
    try:
        with open("/dev/tty", "rb"):
            return True
    except OSError:
        return False


def hidden(prompt: str) -> str:
    """Ask without showing what is typed; on the terminal itself, even where standard input is a pipe."""
    from getpass import getpass

    try:
        return getpass(f"{prompt}: ")
    except EOFError as error:
        raise click.Abort from error


def tell(result: ProbeResult) -> None:
    """What a test gave, on two lines."""
    if result.ok and not result.proven:
        sign = "?"
    elif result.ok:
        sign = "+"
    else:
        sign = "!"
    print_line(f"  {sign} {result.says}")
    for line in (", ".join(result.limits), "" if result.ok else result.hint):
        if line:
            print_line(f"    {line}")


def place_name(place: KeyLocation) -> str:
    """A place for a sentence."""
    return {
        KeyLocation.KEYRING: "system's keyring",
        KeyLocation.VAULT: "encrypted vault",
        KeyLocation.COMMAND: "command",
        KeyLocation.ENVIRONMENT: "environment",
    }[place]
