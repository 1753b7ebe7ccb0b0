"""What is pasted into the composer and is more than words: long texts, files that were dropped, API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.chat.attachment_files import LARGE_PASTE, paths_in

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.widgets.composer import Composer

MANY_LINES = 200
"""Lines from which on a pasted text is kept as a chip."""


class Pastes:
    """Knows what a pasted text is, and takes it there."""

    def __init__(self, app: AppContext, composer: Composer, attachments: Attachments) -> None:
        self._app = app
        self._composer = composer
        self._attachments = attachments

    def took(self, text: str) -> bool:
        """Long texts become a chip, files are attached, a key goes to the keys; the rest is written."""
        if len(text) >= LARGE_PASTE or text.count("\n") >= MANY_LINES:
            try:
                self._attachments.pasted(text)
            except RoutertermError as error:
                self._app.show_error(error)
            return True
        if not self._composer.text and self.is_key(text):
            self.to_keys(text)
            return True
        if paths_in(text):
            self._attachments.dropped(text)
        return False

    def took_early_key(self) -> None:
        """An API key that was pasted before anybody could recognise it goes to the keys now."""
        text = self._composer.text.strip()
        if text and self.is_key(text):
            self._composer.put("")
            self.to_keys(text)

    def is_key(self, text: str) -> bool:
        """Whether this looks like an API key of a provider that is known."""
        from routerterm.config.keys.paste import looks_like_a_key

        services = self._app.services
        return services is not None and looks_like_a_key(text, services.keys.providers.values())

    def to_keys(self, text: str) -> None:
        """A key goes to the keys: it is no question, and nothing of it is kept in a conversation."""
        add = self._app.screen_maker("add_key")(self._app, pasted=text.strip())
        self._composer.run_worker(add, group="key", exit_on_error=False)
