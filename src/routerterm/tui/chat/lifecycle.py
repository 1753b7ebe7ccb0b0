"""How the chat begins once settings, keys and history are there, and how it ends with nothing lost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.chat.outbox import OutboxController
from routerterm.tui.chat.project import open_own

if TYPE_CHECKING:
    from routerterm.tui.chat.opening import Opening
    from routerterm.tui.chat.parts import ChatParts
    from routerterm.wiring import Services


async def begin(chat: ChatParts, services: Services, opening: Opening) -> None:
    """Fill the panes as the command line wants them, start what watches, and do what was typed in the meantime."""
    chat.app.set_keys(services.settings.bindings)
    chat.view.composer.edit_by(services.settings.ui.editing)
    services.approve = chat.approvals.ask
    services.fill = chat.approvals.fill
    for trouble in services.troubles:
        chat.app.show_error(trouble)
    await open_own(chat)
    project = services.project.key if services.project is not None else None
    latest = await services.store.conversations.latest(project) if opening.last else None
    await chat.conversation.open(latest.id if latest is not None else None)
    if opening.model:
        await chat.commands.run("model", opening.model)
    await chat.sidebar.refresh()
    chat.begun.set()
    run = chat.view.status_line.run_worker
    run(chat.sidebar.watch(), name="watch", exit_on_error=False)
    run(services.learn_models(), name="models", exit_on_error=False)
    run(chat.sidebar.tend(), name="tend", exit_on_error=False)
    run(OutboxController(chat.app, chat.conversation, chat.sidebar).watch(), name="outbox", exit_on_error=False)
    run(chat.sidebar.look_after(), name="maintenance", exit_on_error=False)
    await chat.composer_controller.remember()
    chat.composer_controller.pastes.took_early_key()
    if not chat.composer_controller.early or chat.onboarding.is_way(chat.composer_controller.early[0]):
        await chat.onboarding.consider()
    await chat.notifications.warn_of_budget()
    if opening.question:
        chat.composer_controller.early.insert(0, opening.question)
    await chat.composer_controller.send_early()
    await chat.status.spent()
    await chat.status.refresh_providers()


def gather(chat: ChatParts) -> None:
    """Put all that was sent and is not asked yet into the composer again, to be kept as the draft."""
    chat.confirmation.answer(False)
    chat.attachments.stop_landing()
    chat.turns.give_back_queue()
    chat.view.composer.give_back("\n".join(chat.composer_controller.gather()))


async def keep_last_draft(chat: ChatParts) -> None:
    """Keep what is being written, once a conversation that is being opened is there."""
    async with chat.conversation.opening:
        pass
    await chat.conversation.keep_draft()


async def leave(chat: ChatParts) -> None:
    """Stop and save everything; one step that fails holds up none of the others.  Raises `RoutertermError`."""
    if chat.app.services is None:
        return
    gather(chat)
    trouble: RoutertermError | None = None
    steps = (
        chat.app.editor.close,
        chat.compare.stop_all,
        chat.turns.stop_all,
        chat.sidebar.save_all,
        partial(keep_last_draft, chat),
    )
    for step in steps:
        try:
            await step()
        except RoutertermError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
