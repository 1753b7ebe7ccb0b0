"""``/name args`` for prompts of one's own: files beside the settings and in the working folder, or the library."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.prompt_files import PromptFile, of_library, prompt_folders, read_prompts
from routerterm.engine.chat.templates import Field
from routerterm.tui.widgets.suggestions import Suggestion

if TYPE_CHECKING:
    from routerterm.store.prompts import Prompts

_CALL = LazyPattern(r"/([\w][\w.-]*)(?:\s+(.*))?\s*\Z", re.DOTALL)
_NAME = LazyPattern(r"/([\w.-]*)\Z")


class PromptFiles:
    """Knows the prompts that can be called by their names.

    ``library`` gives the prompts of the history once it is open; ``ask_for`` fills in what is missing and goes on;
    ``use`` sends a text or sets a system prompt.
    """

    def __init__(
        self,
        config_file: Path,
        *,
        library: Callable[[], Prompts | None],
        is_command: Callable[[str], bool],
        complain: Callable[[RoutertermError], None],
        ask_for: Callable[[str, tuple[Field, ...], Callable[[Mapping[str, str]], Awaitable[None]]], None],
        use: Callable[[PromptFile, str], Awaitable[None]],
    ) -> None:
        self._folders = prompt_folders(config_file, Path.cwd())
        self._library = library
        self._is_command = is_command
        self._complain = complain
        self._ask_for = ask_for
        self._use = use
        self._known: dict[str, PromptFile] = {}
        self._said: set[str] = set()
        """What was wrong with a file, and was said already."""

    def is_of_working_folder(self, prompt: PromptFile) -> bool:
        """Whether it came with the folder in which the program was started, perhaps from somebody else."""
        return prompt.path.parent == self._folders[-1]

    async def refresh(self) -> None:
        """Read the folders, and the library, again; what is wrong with a file is said once."""
        found, troubles = await asyncio.to_thread(read_prompts, self._folders)
        library = self._library()
        stored = await library.all() if library is not None else ()
        callable_names = [prompt for prompt in stored if _CALL.match(f"/{prompt.name}") and " " not in prompt.name]
        self._known = {one.name: of_library(one.name, one.kind, one.text) for one in callable_names} | found
        for trouble in troubles:
            if trouble.message not in self._said:
                self._said.add(trouble.message)
                self._complain(trouble)

    def rows(self, text: str) -> tuple[Suggestion, ...]:
        """The prompts whose name begins as it was typed."""
        match = _NAME.match(text)
        if match is None:
            return ()
        fitting = [self._known[name] for name in sorted(self._known) if name.startswith(match[1])]
        return tuple(
            Suggestion(
                f"/{prompt.name} {prompt.usage}".strip(),
                one_line(prompt.description or prompt.text[:100]),
                f"/{prompt.name} " if prompt.fields else f"/{prompt.name}",
                more=bool(prompt.fields),
            )
            for prompt in fitting
            if not self._is_command(f"/{prompt.name}")
        )

    def knows(self, text: str) -> bool:
        """Whether it calls a prompt that has been read."""
        match = _CALL.match(text)
        return match is not None and match[1] in self._known

    async def took(self, text: str) -> bool:
        """Use the prompt that the text calls; False where it calls none.  Raises `RoutertermError`."""
        match = _CALL.match(text)
        if match is None:
            return False
        await self.refresh()
        prompt = self._known.get(match[1])
        if prompt is None:
            return False
        values = prompt.values(match[2] or "")
        missing = [field for field in prompt.fields if field.default is None and field.name not in values]
        if not missing:
            await self._use(prompt, prompt.filled(values))
            return True

        async def filled(more: Mapping[str, str]) -> None:
            await self._use(prompt, prompt.filled({**values, **more}))

        fields = tuple(Field(field.name, values.get(field.name, field.default)) for field in prompt.fields)
        self._ask_for(prompt.name, fields, filled)
        return True
