"""What a new conversation asks unless told otherwise, and the providers that could be asked."""

from __future__ import annotations

from routerterm.config.keys.key_store import KeyStore
from routerterm.config.local_model import is_ready
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.core.targets import Target

LOCAL = Target("local", "smollm2")
DEMO = Target("demo", "markdown")


async def providers_with_key(settings: Settings, keys: KeyStore) -> frozenset[str]:
    """The providers that are not switched off and have a key that is not."""
    own = settings.providers
    rows = [row for row in await keys.readable_rows() if row.enabled]
    return frozenset(row.provider for row in rows if row.provider not in own or own[row.provider].enabled)


def default_model(settings: Settings, with_key: frozenset[str], paths: Paths) -> str:
    """What answers when nobody says: the person's default; the smart route if any key is known; local; demo."""
    if ("router", "default") in settings.given:
        return settings.router.default
    if with_key:
        return "smart" if with_key & {"openai", "anthropic", "gemini"} else "any"
    return str(LOCAL if is_ready(paths) else DEMO)
