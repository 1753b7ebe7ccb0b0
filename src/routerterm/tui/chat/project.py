"""The project that is open: its conversations are listed, and new ones begin as it says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.project import Project, project_of, read_project
from routerterm.tui.chat.attachment_files import load

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.parts import ChatParts
    from routerterm.tui.chat.sidebar import Sidebar


class Switching(Protocol):
    """What another project concerns."""

    @property
    def app(self) -> AppContext:
        """The program."""
        ...

    @property
    def sidebar(self) -> Sidebar:
        """The list."""
        ...

    @property
    def conversation(self) -> ConversationController:
        """The one on show."""
        ...


async def open_own(chat: ChatParts) -> None:
    """Open the project of the folder in which the program was started, if it is one; what is wrong with it is said."""
    try:
        chat.app.ready_services.project = await asyncio.to_thread(project_of, Path.cwd())
    except RoutertermError as error:
        chat.app.show_error(error)


async def switch(chat: Switching, folder: str | None) -> None:
    """Open another folder's project, or none, with a new conversation.  Raises `RoutertermError`."""
    chat.app.ready_services.project = await asyncio.to_thread(read_project, folder) if folder is not None else None
    await chat.sidebar.refresh()
    await chat.conversation.open(None)


async def begin(chat: ChatParts, project: Project) -> None:
    """Give the new conversation on show what the project says; what cannot be had is said, and the rest holds."""
    conversation = chat.conversation
    if project.system:
        conversation.name_prompt(project.system, project.name)
        await conversation.change(system=project.system)
    try:
        if project.model:
            from routerterm.wiring.model_lists import check_name

            await check_name(chat.app.ready_services, project.model)
            conversation.model = project.model
        tray = chat.attachments.items
        for file in project.files:
            item = await asyncio.to_thread(load, str(project.folder / file), reference=file, from_project=True)
            chat.attachments.place(item, tray)
        await chat.attachments.say_unheeded()
    except RoutertermError as error:
        chat.app.show_error(error)
