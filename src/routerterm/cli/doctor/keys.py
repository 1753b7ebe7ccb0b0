"""Where API keys are: which places there are here, and whether each key can be had."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator

from routerterm.cli.doctor import CheckContext, Finding
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.core.counting import counted
from routerterm.core.errors import VaultError

_ADD = "Add one with `routerterm keys add`; demo/markdown and the local model need none."


async def look(context: CheckContext) -> AsyncGenerator[Finding]:
    """Every place that the settings allow, then the keys in it; a locked place is not opened."""
    from routerterm.catalog import Catalog
    from routerterm.config.settings import load_settings
    from routerterm.wiring.keys import key_store_of
    from routerterm.wiring.settings_mapping import catalog_of

    settings = load_settings(context.paths)
    key_store = key_store_of(settings, catalog_of(settings, Catalog.builtin()), context.paths)
    try:
        rows = [row for row in await key_store.all_rows() if row.enabled]
    except VaultError as error:
        yield Finding("bad", error.message, error.hint)
        return
    held = Counter(row.place for row in rows)
    places = await key_store.places()
    for place in places:
        yield of_a_place(place, held[place.place])
    if not any(place.writable for place in places):
        yield Finding("bad", "There is no place to store new keys.", 'Put "vault" into `order` of [keys].')
    ready = {place.place for place in places if place.state == "ready"}
    for row in rows:
        if row.place not in ready:
            continue
        try:
            await key_store.secret(row)
        except VaultError as error:
            yield Finding("bad", f"{row.name}: {error.message}", error.hint)
    if not rows:
        yield Finding("note", "There is no key yet.", _ADD)


def of_a_place(status: PlaceStatus, held: int) -> Finding:
    """One place in a sentence."""
    told = f"{status.title}: {counted(held, 'key') if held else 'no key'}"
    match status.state:
        case "ready" | "new":
            return Finding("good", f"{told}.")
        case "locked":
            unlock = "routerterm keys unlock" if status.place in (KeyLocation.VAULT, KeyLocation.KEYRING) else ""
            return Finding("note", f"{told}, and it is locked.", unlock)
        case "absent":
            if held:
                return Finding("bad", f"{told}, but it is not available.", status.detail)
            return Finding("note", f"{status.title} is not available.", status.detail)
