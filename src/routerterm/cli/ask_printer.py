"""Prints the answer of `routerterm ask` as it comes, in the way that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from routerterm.cli.output import Styled, print_error, print_json, print_line, print_note, write

if TYPE_CHECKING:
    from routerterm.cli.ask_command import Question
    from routerterm.core.events import Event, Finished


class Printer:
    """Prints an answer as it comes, in the way that was asked for."""

    def __init__(self, question: Question) -> None:
        from routerterm.core.reply import ReplyBuilder

        self.question = question
        self.reply = ReplyBuilder()
        self.exit_code = 1
        self._last = "\n"

    def take(self, event: Event) -> None:
        """Print what one event adds."""
        from routerterm.cli.event_json import event_object
        from routerterm.core import events as e

        if self.question.as_json:
            print_json(event_object(event))
        match event:
            case e.TextDelta(text):
                self.reply.add(event)
                self._text(text)
            case e.ReasoningDelta(text):
                if self.question.reasoning:
                    print_line(Styled(text, dim=True), err=True, end="")
            case e.AttemptFailed(_, target, error, next):
                print_note(f"{target}: {error.message} {next}")
            case e.Recovered(how, _, target):
                self._seam(how, str(target))
            case e.Finished():
                self.exit_code = 0
                self._end()
                print_note(_summary(event))
                if event.reason == "length" and not self.reply.text.strip():
                    self._wordless()
            case e.Failed(error):
                self.exit_code = error.exit_code
                self._end()
                if not self.question.as_json:
                    print_error(error)
            case e.ToolStarted(tool=tool, arguments=arguments):
                print_note(f"{tool} {arguments}")
            case e.ToolFinished(result):
                print_note(f"{result.name} {'failed' if result.is_error else 'answered'}: {result.text[:200]}")
            case e.StepEnded(kept=kept):
                if not kept:
                    print_note("the call was cut off before it was whole, and is asked for again")
            case e.RouteDecided() | e.AttemptStarted() | e.ToolCallDelta() | e.UsageReported():
                pass
            case _:
                assert_never(event)

    def _text(self, text: str) -> None:
        if not self.question.at_the_end and not self.question.as_json:
            write(text)
            self._last = text[-1:] or self._last

    def _seam(self, how: str, target: str) -> None:
        """The answer broke off: what follows goes on, or begins again."""
        from routerterm.core.reply import ReplyBuilder
        from routerterm.core.sanitise import one_line

        if how == "restart":
            self.reply = ReplyBuilder()
            self._text("\n\n" if self._last != "\n" else "")
            print_line(f"routerterm: the answer was cut off; {one_line(target)} starts again.", err=True)
        else:
            print_note(f"the answer was cut off; {target} continues")

    def _wordless(self) -> None:
        """All tokens that the answer may have went into thinking: whoever reads standard output has nothing."""
        from routerterm.core.errors import EmptyAnswer

        self.exit_code = 1
        if not self.question.as_json:
            hint = "Allow a longer answer, or less thinking."
            print_error(EmptyAnswer("The answer used up its maximum length before any text.", hint))

    def _end(self) -> None:
        """The answer, where it was not streamed; and a line end, where it has none."""
        if self.question.as_json:
            return
        if self.question.at_the_end:
            text = first_code_block(self.reply.text) if self.question.only_code else self.reply.text
            write(text)
            self._last = text[-1:] or self._last
        if self._last != "\n":
            write("\n")


def first_code_block(text: str) -> str:
    """The inside of the first fenced block; the whole text where there is none, as other tools do."""
    from markdown_it import MarkdownIt

    return next((token.content for token in MarkdownIt().parse(text) if token.type == "fence"), text)


def _summary(event: Finished) -> str:
    """Who answered, how long it took, what it used and cost."""
    from routerterm.core.money import show_usd

    basis = "" if event.usage.source == "reported" else "~"
    cost = show_usd(event.cost.usd)
    pieces = [str(event.target), f"{event.timing.total_ms / 1000:.1f} s", f"{basis}{event.usage.total} tok", cost]
    if event.reason == "length":
        pieces.append("the answer reached the maximum length")
    elif event.reason == "content_filter":
        pieces.append("the provider's filter cut it short")
    return " · ".join(pieces)
