"""What a streamed answer costs: the transcript against Textual's own Markdown stream, in one run.

Both run in the least app there is, headless at 120×40, and are fed the same pieces at the same pace.  Reported are
CPU seconds per 1,000 tokens and their ratio, frames, how late the last token is on screen; then the cost of a token at
the 20,000th against the 200th, with 10,000 messages above; then opening 10 and 10,000 messages.

    python benchmarks/transcript.py [--tokens 1000] [--rates 50,200,0] [--kinds prose,list,table,code] [--only growth]
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from dataclasses import dataclass

from answers import KINDS, pieces
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from routerterm.core.events import TextDelta
from routerterm.core.messages import Text
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.transcript.widget import Transcript

SIZE = (120, 40)
PACE = 4
"""Tokens in a frame, where they come at 50 a second."""


@dataclass
class Cost:
    """What one stream took."""

    cpu: float
    late: float
    frames: int
    seconds: float


class Counted(App[None]):
    """An app that counts the frames it paints."""

    frames = 0

    def _display(self, *args: object, **kwargs: object) -> None:
        self.frames += 1
        super()._display(*args, **kwargs)  # type: ignore[arg-type]


class Ours(Counted):
    """The transcript alone."""

    def compose(self) -> ComposeResult:
        yield Transcript()

    async def begin(self) -> None:
        self.query_one(Transcript).begin_stream(Entry("a", "assistant", status="streaming", header=Header("demo")))

    async def write(self, text: str) -> None:
        self.query_one(Transcript).feed("a", TextDelta(text))

    async def end(self) -> None:
        self.query_one(Transcript).flush()


class Control(Counted):
    """The least Textual app that streams into a Markdown widget."""

    CSS = "VerticalScroll { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield VerticalScroll()

    async def begin(self) -> None:
        view = self.query_one(VerticalScroll)
        view.anchor()
        widget = Markdown()
        await view.mount(widget)
        self.stream = Markdown.get_stream(widget)

    async def write(self, text: str) -> None:
        await self.stream.write(text)

    async def end(self) -> None:
        await self.stream.stop()


def cpu() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def stream(app: Ours | Control, texts: list[str], rate: float) -> Cost:
    """Feed an app at so many pieces a second, 0 for as fast as it goes."""
    async with app.run_test(size=SIZE) as pilot:
        await app.begin()
        await pilot.pause()
        frames, used, begun = app.frames, cpu(), time.perf_counter()
        for number, text in enumerate(texts):
            if rate:
                wait = begun + number / rate - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
            elif number % 20 == 0:
                await asyncio.sleep(0)
            await app.write(text)
        fed = time.perf_counter()
        await app.end()
        await pilot.pause()
        done = time.perf_counter()
        return Cost(cpu() - used, done - fed, app.frames - frames, done - begun)


EARLY, LATE, SPAN = 200, 20_000, 2_000
"""Where in an answer a token's cost is taken, and over how many tokens."""


async def growth(kinds: list[str]) -> None:
    """What a token costs early and late in one answer, beneath 10,000 messages: laid out, painted and composed."""
    print(f"\ncost of a token beneath 10,000 messages, µs of CPU ({PACE} to a frame)")
    earlier = talk(10_000)
    for kind in kinds:
        texts = pieces(kind, LATE + SPAN)
        spent = {EARLY: 0.0, LATE: 0.0}
        app = Ours()
        async with app.run_test(size=SIZE) as pilot:
            transcript = app.query_one(Transcript)
            transcript.show(earlier)
            await app.begin()
            await pilot.pause()
            for number in range(0, len(texts), PACE):
                part = next((begin for begin in spent if begin <= number < begin + SPAN), None)
                used = cpu()
                for text in texts[number : number + PACE]:
                    await app.write(text)
                if part is not None or number % (50 * PACE) == 0:  # what lies between is laid out in few frames
                    transcript.flush()
                    await pilot.pause(0)
                if part is not None:
                    spent[part] += cpu() - used
        early, late = (spent[begin] * 1e6 / SPAN for begin in (EARLY, LATE))
        print(f"  {kind:6} at {EARLY}: {early:6.0f}   at {LATE:,}: {late:6.0f}   ratio {late / early:.2f}", flush=True)


def talk(count: int) -> list[Entry]:
    """A conversation of so many messages."""
    answer = "Answer {n}.\n\nA paragraph with **bold words** and `code` to wrap.\n\n- one\n- two\n" * 4
    return [
        Entry(f"m{n}", "assistant" if n % 2 else "user", (Text(answer.format(n=n) if n % 2 else f"Question {n}?"),))
        for n in range(count)
    ]


async def opening() -> None:
    """From `show` to painted, for few and many messages."""
    print("\nopening a conversation, ms from show to paint (median of 7)")
    for count in (10, 1_000, 10_000):
        entries, times = talk(count), []
        app = Ours()
        async with app.run_test(size=SIZE) as pilot:
            transcript = app.query_one(Transcript)
            for _ in range(7):
                begun = time.perf_counter()
                transcript.show(entries)
                await pilot.pause()
                times.append(time.perf_counter() - begun)
        print(f"  {count:6,} messages: {sorted(times)[3] * 1e3:6.1f}")


async def long_conversation() -> None:
    """A stream beneath 10,000 messages against one beneath none."""
    print("\nCPU ms per 1,000 tokens of prose, unpaced, in frames of 20, by messages above")
    for count in (0, 10_000):
        app = Ours()
        async with app.run_test(size=SIZE) as pilot:
            transcript = app.query_one(Transcript)
            transcript.show(talk(count))
            await app.begin()
            await pilot.pause()
            used = cpu()
            for number, text in enumerate(pieces("prose", 2_000)):
                await app.write(text)
                if number % 20 == 19:
                    transcript.flush()
                    await pilot.pause(0)
            print(f"  {count:6,}: {(cpu() - used) * 500:.0f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000)
    parser.add_argument("--rates", default="50,200,0")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--only", choices=("streams", "growth", "opening"), help="one part of it")
    options = parser.parse_args()
    if options.only in (None, "streams"):
        await streams(options)
    if options.only in (None, "growth"):
        await growth(options.kinds.split(","))
    if options.only in (None, "opening"):
        await opening()
        await long_conversation()


async def streams(options: argparse.Namespace) -> None:
    """Each kind at each pace, the control beside it."""
    print(f"{options.tokens} tokens, {SIZE[0]}×{SIZE[1]}; CPU s per 1,000 tokens (frames, s late)")
    for rate in map(float, options.rates.split(",")):
        for kind in options.kinds.split(","):
            texts = pieces(kind, options.tokens)
            ours, control = await stream(Ours(), texts, rate), await stream(Control(), texts, rate)
            per = 1_000 / options.tokens
            print(
                f"  {f'{rate:.0f}/s' if rate else 'unpaced':8} {kind:6}"
                f"  transcript {ours.cpu * per:6.2f} ({ours.frames}, {ours.late:.2f})"
                f"  Textual {control.cpu * per:6.2f} ({control.frames}, {control.late:.2f})"
                f"  ratio 1/{control.cpu / ours.cpu:.1f}"
                f"  {len(texts) / ours.seconds:,.0f} against {len(texts) / control.seconds:,.0f} tokens/s",
                flush=True,
            )


if __name__ == "__main__":
    asyncio.run(main())
