"""Homes that are lived in: settings, a provider with prices on this machine, a history that is not empty."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.driver.provider import Provider
from tests.tui.seed import fill

PRICED = "shop/dear"
"""A model of a custom provider whose prices are in the settings."""


def configure(paths: Paths, text: str = "", default: str = "demo/echo") -> None:
    """Write the settings of a test."""
    paths.make()
    paths.config_file.write_text(f'[router]\ndefault = "{default}"\n{text}')


def priced(provider: Provider, dollars_in: float = 3.0, dollars_out: float = 15.0) -> str:
    """Settings of a custom provider on this machine whose one model costs so many dollars a million tokens."""
    return (
        f'[providers.shop]\nprotocol = "openai-chat"\nbase_url = "{provider.url}"\nneeds_key = false\n'
        f'[models."{PRICED}"]\nprice_in = {dollars_in}\nprice_out = {dollars_out}\ncontext = 32000\n'
    )


async def lived_in(paths: Paths, text: str = "", default: str = "demo/echo", conversations: int = 12) -> None:
    """Settings, and a history of so many conversations with requests of ninety days."""
    configure(paths, text, default)
    await fill(paths, conversations, 60)
