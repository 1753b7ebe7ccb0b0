"""The plain chat: a line in, an answer out, everything in the order in which it happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeAlias, assert_never

from routerterm.core.errors import RoutertermError
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    RouteDecided,
    StepEnded,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from routerterm.core.files import Attached
from routerterm.core.gc_control import resume
from routerterm.core.nearest import did_you_mean
from routerterm.core.sanitise import one_line, sanitise, tidied
from routerterm.engine.chat.active_conversation import ActiveConversation
from routerterm.engine.chat.capabilities import unsupported_options
from routerterm.tui.chat.entries import words
from routerterm.tui.chat.last_model import begins_with
from routerterm.tui.chat.opening import Opening
from routerterm.tui.plain.commands import COMMANDS
from routerterm.tui.plain.text import WELCOME, ending

if TYPE_CHECKING:
    from routerterm.config.keys.key_store import KeyStore
    from routerterm.config.paths import Paths
    from routerterm.engine.tools.values import Answer, Ask, Verdict
    from routerterm.wiring import Services

Unlock: TypeAlias = Callable[["KeyStore", str], Awaitable[object]]
PROMPT = "you> "
GOES_ON = "...> "


class PlainChat:
    """One person talking; a conversation at a time."""

    def __init__(self, services: Services, unlock: Unlock) -> None:
        self.services = services
        self._unlock = unlock
        self.conversation = ActiveConversation(lambda: services, services.default_model)
        self.files: list[Attached] = []
        self.listed: list[str] = []
        """Conversations by the numbers under which they were named last."""
        self.over = False
        self._at_line_start = True

    # -- saying ----------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A line, or several."""
        if text:
            self._end_line()
            self._write(sanitise(text) + "\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
        self._at_line_start = text.endswith("\n")

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def tell(self, error: RoutertermError) -> None:
        """What was wrong, and what to do."""
        self.say(f"Error: {error.message}" + (f"\nWhat to do: {error.hint}" if error.hint else ""))

    async def approve(self, ask: Ask) -> Answer:
        """Ask whether a tool may be called: nothing else happens meanwhile, so the line is read right here."""
        from routerterm.engine.tools.values import Answer

        reason = f" ({ask.reason})" if ask.reason else ""
        self.say(f"Run {one_line(ask.tool.shown)} {one_line(ask.arguments)}{reason}?")
        said = _answer("y once, a this conversation, s always, n no> ")
        if said == "s":
            from routerterm.wiring.tools import allow_always

            await allow_always(self.services, ask.tool)
        verdicts: dict[str, Verdict] = {"y": "once", "a": "conversation", "s": "always"}
        return Answer(verdicts.get(said, "no"))

    # -- the conversation ------------------------------------------------------------------------------

    async def open(self, id: str | None) -> None:
        """Go on in a conversation, or begin a new one."""
        stored = await self.conversation.load(id)
        project = self.services.project
        self.conversation.model = (stored.model if stored else None) or await begins_with(self.services)
        if stored is None and project is not None:  # a new conversation begins as its project says
            self.conversation.model = project.model or self.conversation.model
            if project.system:
                await self.conversation.change(system=project.system)

    async def say_unheeded(self) -> None:
        """Say at once what the model will not do."""
        from routerterm.wiring.preview import abilities

        now = self.conversation
        can = (await abilities(self.services)).of(now.model)
        pictures = any(file.is_picture for file in self.files)
        for sentence in unsupported_options(now.model, can, now.params, pictures=pictures, private=now.private):
            self.say(f"Note: {sentence}")

    async def take(self, line: str) -> None:
        """A command, or a question."""
        try:
            if line.startswith("/") and "\n" not in line and "/" not in line.split()[0][1:]:
                await self._command(line)
            elif line.strip() or self.files:
                model = self.conversation.model
                await self.unlock(model)
                files, self.files = self.files, []
                parts = [file.part for file in files]
                await self.hear(self.conversation.session.send(line, parts=parts, model=model))
        except RoutertermError as error:
            self.tell(error)

    async def unlock(self, model: str) -> None:
        """Ask for the passphrases that the model's keys need."""
        await self._unlock(self.services.keys, model)

    async def _command(self, line: str) -> None:
        name, _, argument = line[1:].strip().partition(" ")
        command = COMMANDS.get(name.lower())
        if command is None:
            known = [f"/{each}" for each in COMMANDS]
            raise RoutertermError(f"There is no command /{name}.", did_you_mean(f"/{name}", known, "Try /help."))
        await command(self, argument.strip())

    async def hear(self, answer: AsyncGenerator[Event]) -> None:
        """Write an answer as it comes, and what happens on the way."""
        async with aclosing(answer) as events:
            async for event in events:
                self._take(event)
        for hit in self._hits():
            self.say(hit)

    def _hits(self) -> list[str]:
        hits, said = self.services.costs.hits, []
        while hits:
            hit = hits.popleft()
            if hit.action in ("warn", "redact"):
                said.append(f"The guard {'took out' if hit.action == 'redact' else 'noticed'} {hit.count} {hit.rule}.")
        return said

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._write(sanitise(text))
            case AttemptFailed(target=target, error=error, next=then):
                self.say(f"[{target}: {words(error.kind)}; {then}]")
            case Recovered(how=how, target=target):
                self.say(f"[the answer was cut off; {target} {'continues' if how == 'continue' else 'starts again'}]")
            case Finished():
                self.say(ending(event))
            case Failed(error):
                self.tell(error)
            case ToolStarted(tool=tool, arguments=arguments):
                self.say(f"[calls {one_line(tool)} {one_line(arguments)[:200]}]")
            case ToolFinished(result):
                self.say(f"[{one_line(result.name)} {'failed' if result.is_error else 'answered'}]")
            case RouteDecided() | AttemptStarted() | ReasoningDelta() | ToolCallDelta() | UsageReported() | StepEnded():
                pass
            case _:
                assert_never(event)


def run(paths: Paths, unlock: Unlock, opening: Opening | None = None) -> int:
    """Talk until the person leaves; the exit code.  ``unlock`` asks for the passphrases that a model's keys need."""
    from routerterm.wiring import open_services

    with suppress(ImportError):  # line editing and history, where Python has them
        import readline  # noqa: F401
    with asyncio.Runner() as runner:
        services = runner.run(open_services(paths))
        resume()
        try:
            talk = PlainChat(services, unlock)
            services.approve = talk.approve
            runner.run(_greet(talk, opening or Opening()))
            while not talk.over:
                line = _line(talk)
                if line is None:
                    break
                try:
                    runner.run(talk.take(line))
                except KeyboardInterrupt:
                    talk.say("[stopped; the answer so far is kept]")
        finally:
            runner.run(services.close())
    return 0


def _answer(question: str) -> str:
    """The first letter of a line, in lower case; nothing at the end of the input."""
    try:
        return input(question).strip().lower()[:1]
    except EOFError:
        return ""


async def _greet(talk: PlainChat, opening: Opening) -> None:
    services = talk.services
    await _open_project(talk)
    await talk.open(None)
    talk.say(f"routerterm, plain. {talk.conversation.model} answers. /help names the commands, /quit leaves.")
    for trouble in services.troubles:
        talk.tell(trouble)
    chosen = ("router", "default") in services.settings.given
    if (
        not chosen
        and talk.conversation.model == "demo/markdown"
        and await services.store.conversations.latest() is None
    ):
        talk.say(WELCOME)
    project = services.project.key if services.project is not None else None
    latest = await services.store.conversations.latest(project) if opening.last else None
    if latest is not None:
        await talk.open(latest.id)
    if opening.model:
        await talk.take(f"/model {opening.model}")
    if opening.question:
        await talk.take(opening.question)


async def _open_project(talk: PlainChat) -> None:
    """Open the project of the folder in which the program was started, if it is one; what is wrong with it is said."""
    from pathlib import Path

    from routerterm.engine.chat.project import project_of

    try:
        project = talk.services.project = await asyncio.to_thread(project_of, Path.cwd())
    except RoutertermError as error:
        talk.tell(error)
    else:
        if project is not None:
            talk.say(f"This is the project {project.name}.")


def _line(talk: PlainChat) -> str | None:
    """What the person writes; None when they have left."""
    lines: list[str] = []
    while True:
        try:
            line = tidied(input(GOES_ON if lines else PROMPT))
        except EOFError:
            talk.say("")
            return "\n".join(lines) if lines else None
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            talk.say("Ctrl+D or /quit quits.")
            lines = []
            continue
        if not line.endswith("\\"):
            return "\n".join([*lines, line])
        lines.append(line[:-1])
