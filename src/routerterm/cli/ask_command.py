"""`routerterm ask`: one question from the command line, in a conversation that the chat also shows."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct
from msgspec.structs import replace

from routerterm.cli.ask_printer import Printer
from routerterm.cli.ask_tools import NOT_APPROVED, AskTools, ToolOptions
from routerterm.cli.options import attach_option, conversation_option, model_option, system_option
from routerterm.cli.output import is_terminal, print_error, print_note
from routerterm.cli.param_types import Dollars
from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from routerterm.cli.ask_tools import Policy
    from routerterm.core.events import Event
    from routerterm.core.messages import Part
    from routerterm.core.request import ChatRequest, Params
    from routerterm.engine.chat.router_port import ChatRouter
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation
    from routerterm.wiring import Services


class Question(Struct, frozen=True):
    """All that was said on the command line."""

    text: str
    files: tuple[Path, ...]
    model: str | None
    system: str | None
    conversation: str | None
    stream: bool
    as_json: bool
    reasoning: bool
    only_code: bool = False
    most: Decimal | None = None
    """US dollars."""
    save: bool = True
    template: str | None = None
    """The name of a prompt that `text` fills in."""
    piped: str = ""
    """What came on standard input, where a template takes it apart from `text`."""
    temperature: float | None = None
    web: bool = False
    """Whether the provider is to search the web."""
    tools: ToolOptions = ToolOptions()

    @property
    def at_the_end(self) -> bool:
        """Whether the answer is printed when it is whole."""
        return self.only_code or not self.stream


@click.command("ask")
@click.argument("prompt", required=False)
@model_option
@system_option
@conversation_option
@attach_option
@click.option("-t", "--template", metavar="NAME", help="One of your prompts; PROMPT fills in its fields.")
@click.option("-x", "--extract", "only_code", is_flag=True, help="Print only the first code block of the answer.")
@click.option("--web", is_flag=True, help="Let the provider search the web; it names its sources.")
@click.option(
    "--batch",
    "batch",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Ask every line of a JSONL file as a batch, at half price; answers arrive in the history within a day.",
)
@click.option("--max-cost", "most", metavar="USD", type=Dollars(), help="Refuse what may cost more than this.")
@click.option(
    "--tool", "tool_names", metavar="NAME", multiple=True, help="Offer this tool or server; * stands for any."
)
@click.option("--tools", "which", type=click.Choice(("all", "none")), help="Offer all tools, or none.")
@click.option(
    "--approve",
    type=click.Choice(("read-only", "all", "none")),
    help="Run tools without asking: read-only ones (built-in, or of a trusted server), all, or none.",
)
@click.option("--no-save", is_flag=True, help="Save neither the question nor the answer; the cost is still recorded.")
@click.option("--no-stream", is_flag=True, help="Print the answer only when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.option("--reasoning", is_flag=True, help="Show the model's reasoning on standard error.")
def command(
    prompt: str | None,
    model: str | None,
    system: str | None,
    conversation: str | None,
    files: tuple[Path, ...],
    no_stream: bool,
    as_json: bool,
    reasoning: bool,
    only_code: bool,
    web: bool,
    most: Decimal | None,
    no_save: bool,
    template: str | None,
    tool_names: tuple[str, ...],
    which: Literal["all", "none"] | None,
    approve: Policy | None,
    batch: Path | None,
) -> None:
    """Ask one question; the answer streams to standard output.

    Standard input is appended to PROMPT:

    \b
      git diff | routerterm ask "Write a commit message for this"
      routerterm ask -x "A shell line that finds large files" | sh
      routerterm ask -t review "src/main.py tone=strict"

    Exits with 1 if the request failed, 2 on a usage error, 3 if a budget or the guard refused it, 4 without a
    key or model, 5 if a tool was not run because no one approved it, 130 if it was interrupted.
    """
    if batch is not None:
        from routerterm.cli.batch_questions import ask_batch

        if prompt or files or conversation or no_save or template:
            raise click.UsageError(
                "--batch takes its questions from FILE; of the rest only -m, -s and --json go with it."
            )
        sys.exit(asyncio.run(ask_batch(batch, model, system, as_json=as_json)))
    piped = _standard_input()
    text = _joined(prompt, "" if template else piped)
    if not text and not files and not template:
        raise click.UsageError('Ask something: routerterm ask "Why is the sky blue?" (`routerterm` opens the chat).')
    if no_save and conversation is not None:
        raise click.UsageError("--no-save saves nothing, so it cannot be combined with -c.")
    if which is not None and tool_names:
        raise click.UsageError("--tools and --tool exclude each other.")
    if as_json and only_code:
        raise click.UsageError("--json prints events, -x a code block: use only one of them.")
    asked = (text, files, model, system, conversation, not no_stream, as_json, reasoning)
    question = Question(*asked, only_code=only_code, most=most, save=not no_save, template=template, piped=piped)
    question = replace(question, web=web, tools=ToolOptions(tool_names, which, approve))
    # Before the event loop runs: reading a pipe may take long, and there Ctrl+C ends it.
    sys.exit(asyncio.run(_ask(question, _attached(files))))


def _attached(files: Sequence[Path]) -> list[Part]:
    if not files:
        return []
    from routerterm.engine.chat.attachments import attachment

    return [attachment(file, pipes=True) for file in files]


def _standard_input() -> str:
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError("Standard input is not UTF-8 text; attach images with -a FILE.") from None


def _joined(prompt: str | None, standard_input: str) -> str:
    return "\n\n".join(piece for piece in ((prompt or "").strip(), standard_input.strip()) if piece)


async def _ask(question: Question, parts: Sequence[Part]) -> int:
    """Ask and print; the exit code."""
    from routerterm.engine.chat.project import project_of
    from routerterm.wiring import open_app

    async with open_app() as app:
        app.project = await asyncio.to_thread(project_of, Path.cwd())
        if question.template:
            question = await _filled(question, app)
        for trouble in app.troubles:
            print_error(trouble)
        try:
            return await _answer(question, parts, app)
        except RoutertermError as error:
            if error.message in [trouble.message for trouble in app.troubles]:
                return error.exit_code  # it was said at the start
            raise


async def _answer(question: Question, parts: Sequence[Part], app: Services) -> int:
    """Ask, and print what comes; the exit code."""
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.engine.chat.detached import finish_without_terminal, unless_hung_up

    capped = Capped(app, question.most)
    tools = AskTools(app, question.tools, question.most)
    id = await conversation_id(app, question.conversation)
    session = app.session(id, router=capped, tools=tools)
    known = await session.load()
    if known is None and app.project is not None:  # a new conversation begins as its project says
        model, system = question.model or app.project.model or None, question.system or app.project.system or None
        question = replace(question, model=model, system=system)
    await open_locked(app.keys, question.model or (known.model if known else None) or app.default_model)
    printer = Printer(question)
    params = _params(question, known)
    if question.save:
        turn = session.send(
            question.text, parts=parts, model=question.model, system=question.system, client="ask", params=params
        )
    else:
        turn = await _unsaved_turn(_unsaved(question, parts, app.default_model, params), capped, tools, app.store)
    await app.budget_warnings()  # what was reached before is no news
    if question.save and is_terminal():
        finish_without_terminal()  # if it hangs up: the answer is found in the history
    async with aclosing(turn) as events:
        async for event in events:
            with unless_hung_up():
                printer.take(event)
    for warning in await app.budget_warnings():
        print_note(warning)
    if app.store.ledger.unwritten:
        print_error(RoutertermError("The history cannot be written, so the cost of this answer was not recorded."))
    return printer.exit_code or (NOT_APPROVED if tools.approval.refused else 0)


async def _unsaved_turn(
    request: ChatRequest, router: ChatRouter, tools: AskTools, store: Store
) -> AsyncGenerator[Event]:
    """The answer past the history, with tools where they are on."""

    async def keep() -> None:
        """Nothing is kept."""

    loop = await tools.loop(store.conversations.new(), request.model, request.params)
    return router.stream(request) if loop is None else loop.events(router, request, keep)


class Capped:
    """The router, with a limit on what this one question may cost."""

    def __init__(self, router: ChatRouter, most: Decimal | None) -> None:
        self._router = router
        self._most = most

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """The events of one answer."""
        if self._most is None:
            return self._router.stream(request)
        from routerterm.core.ledger import Cap
        from routerterm.core.money import to_nano

        return self._router.stream(replace(request, caps=(Cap("request", "usd", to_nano(self._most)),)))


async def _filled(question: Question, app: Services) -> Question:
    """The question with its template filled in.  Raises `RoutertermError`."""
    from routerterm.engine.chat.prompt_files import find_prompt, prompt_folders

    folders = prompt_folders(app.paths.config_file, Path.cwd())
    prompt = await find_prompt(question.template or "", folders, app.store.prompts)
    question = replace(question, model=question.model or prompt.model or None, temperature=prompt.temperature)
    if prompt.tools and not question.tools.names and question.tools.which is None:
        question = replace(question, tools=replace(question.tools, names=prompt.tools))
    if prompt.kind == "system":
        text = _joined(question.text, question.piped)
        return replace(question, text=text, system=question.system or prompt.filled({}))
    return replace(question, text=_joined(prompt.filled(prompt.values(question.text)), question.piped))


def _params(question: Question, known: Conversation | None) -> Params | None:
    """How template and options want the answer, over what the conversation has; None where they say nothing."""
    if question.temperature is None and not question.web:
        return None
    from routerterm.core.request import Params
    from routerterm.engine.chat.params import params_from_json

    params = params_from_json(known.params) if known else Params()
    if question.temperature is not None:
        params = replace(params, temperature=question.temperature)
    return replace(params, web=True) if question.web else params


def _unsaved(question: Question, parts: Sequence[Part], default: str, params: Params | None) -> ChatRequest:
    """The question as the router gets it, past the history."""
    from routerterm.core.messages import Message, Text
    from routerterm.core.request import ChatRequest, Params

    asked = Message("user", ((Text(question.text),) if question.text else ()) + tuple(parts))
    return ChatRequest(question.model or default, (asked,), question.system, params or Params(), client="ask")


async def conversation_id(app: Services, wanted: str | None) -> str | None:
    """The id of a conversation that was named by its beginning, or as `last` (within the project that is open).

    Raises `click.UsageError`.
    """
    if wanted is None:
        return None
    if wanted == "last":
        project = app.project
        latest = await app.store.conversations.latest(project.key if project is not None else None)
        if latest is None:
            where = f" in the project {project.name}" if project is not None else ""
            raise click.UsageError(f"There is no conversation to continue{where} yet.")
        return latest.id
    found = await app.store.conversations.beginning(wanted, limit=2)
    if len(found) != 1:
        how_many = "More than one conversation's" if found else "No conversation's"
        raise click.UsageError(f"{how_many} id begins with {wanted}; `routerterm find WORDS` shows ids.")
    return found[0].id
