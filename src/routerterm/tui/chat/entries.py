"""Messages of the store, and answers that are still growing, as the transcript shows them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.counting import counted
from routerterm.core.money import show_usd
from routerterm.engine.chat.context import NO_IMAGES, NOT_SENT, SUMMARY
from routerterm.engine.chat.trace import Interruption as Cut
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.store.values import EDITED
from routerterm.tui.clock import local, time_of_day
from routerterm.tui.hints import in_chat
from routerterm.tui.transcript.values import Entry, Header, Seam

if TYPE_CHECKING:
    from routerterm.core.usage import Usage
    from routerterm.store.outbox_rows import Waiting
    from routerterm.store.values import StoredMessage

ENDINGS = {
    "stopped": "stopped by you",
    "cut": "cut off",
    "interrupted": "interrupted: routerterm ended during this answer",
}
"""What to say beneath an answer that did not end by itself, where nothing more exact is known."""
CUT_SHORT = {
    "length": "reached the answer length limit (/length or a budget)",
    "content_filter": "the provider's filter cut it short",
}
"""The same, for an answer that its provider ended before its time."""


_FAILURES = {
    "caller_fault": "bad request",
    "bad_credential": "key refused",
    "model_gone": "model not found",
    "transient": "server error",
    "warming": "model loading",
    "silent": "no answer in time",
    "empty": "empty answer",
    "malformed": "invalid response",
    "cut": "cut off",
}
"""Classes of failure whose own name, which stands in the ledger and in exports, says little to a person."""
SUMMED_UP = "The messages above are sent as a summary; /summary off sends them in full again."
"""What to say beneath a message down to which the conversation was summed up."""


def entry_of(message: StoredMessage) -> Entry:
    """A stored message."""
    siblings = f"{message.sibling}/{message.siblings}" if message.siblings > 1 else ""
    time = time_of_day(message.created_at)
    summed_up = SUMMED_UP if message.params.get(SUMMARY) else ""
    pinned = "always sent" if message.pinned else ""
    marks = (
        "not sent" if message.params.get(NOT_SENT) else pinned,
        "edited" if message.params.get(EDITED) else "",
    )
    kept = " · ".join(filter(None, (*marks, "image left out" if message.params.get(NO_IMAGES) else "")))
    if message.role != "assistant":
        header = Header("you", time, siblings=siblings, note=kept)
        return Entry(message.id, message.role, message.parts, "done", header, trouble=summed_up)
    record = ReplyTrace.of(message.params)
    return Entry(
        message.id,
        message.role,
        message.parts,
        status=message.status,
        header=header_of(record, record.target or message.model or "", time, siblings, kept),
        seams=tuple(map(seam_of, record.seams)) if message.status != "streaming" else (),
        trouble=" ".join(
            filter(None, (trouble_of(record, message.status, begun=bool(message.text.strip())), summed_up))
        ),
    )


def waiting_entry(entry: Entry, row: Waiting) -> Entry:
    """A question that is not sent yet."""
    from routerterm.engine.outbox.words import state_words

    said = f"In the outbox: {state_words(row, local(row.due_at))}. /outbox sends it now or drops it."
    return replace(entry, status="queued", trouble=" ".join(filter(None, (entry.trouble, said))))


def header_of(record: ReplyTrace, speaker: str, time: str, siblings: str = "", kept: str = "") -> Header:
    """Everything that is known of an answer, ready to be shown."""
    usage, cost = record.usage, record.cost
    about = "~" if basis_of(usage) == "estimated" else ""
    return Header(
        speaker=speaker,
        time=time,
        ttft=f"TTFT {seconds(record.ttft_ms)}" if record.ttft_ms is not None else "",
        duration=seconds(record.total_ms),
        tokens=f"{about}{usage.output:,} tok" if usage and usage.output else "",
        cost=f"{about if cost.usd and cost.source != 'reported' else ''}{show_usd(cost.usd)}" if cost else "",
        siblings=siblings,
        note=" · ".join(filter(None, (kept, note_of(record)))),
    )


def basis_of(usage: Usage | None) -> str:
    """Who counted the tokens: ``reported`` by the provider, or ``estimated`` by us."""
    if usage is None or not usage.total:
        return ""
    return "reported" if usage.source == "reported" else "estimated"


def note_of(record: ReplyTrace) -> str:
    """What happened on the way: ``groq rate limited → openai``."""
    said = [f"{a.target.partition('/')[0]} {words(a.error.kind)}" for a in record.attempts if a.error]
    if not said:
        return ""
    failed = [f"{count} × {one}" if (count := len(list(same))) > 1 else one for one, same in groupby(said)]
    went_on = (record.target or "").partition("/")[0] if not record.error else ""
    return " → ".join([*failed, went_on] if went_on else failed)


def words(kind: str) -> str:
    """A class of failure for a person."""
    return _FAILURES.get(kind, kind.replace("_", " "))


def seam_of(cut: Cut) -> Seam:
    """The visible joint of a recovered answer."""
    doing = "continues" if cut.how == "continue" else "starts over"
    return Seam(cut.characters if cut.how == "continue" else 0, f"cut off · {cut.target} {doing}")


def trouble_of(record: ReplyTrace, status: str, *, begun: bool, keys: bool = True) -> str:
    """Why an answer ended as it did, and what of the conversation it was given without.

    ``begun``: there is some text of it, which can be continued; ``keys``: keys do what is to be done there.
    """
    ending = ENDINGS.get(status, "") or CUT_SHORT.get(record.finish or "", "")
    if keys and (status in ENDINGS or record.finish == "length"):
        ending += "; Tab, then o continues it" if begun else "; Tab, then r asks again"
    hint = in_chat if keys else str
    said = f"{record.error.message} {hint(record.error.hint)}".strip() if record.error else ending
    return " ".join(filter(None, (said, left_out_of(record))))


def left_out_of(record: ReplyTrace) -> str:
    """What did not go to the model, for want of room."""
    if record.left_out is None:
        return ""
    earlier = counted(record.left_out.messages, "earlier message")
    return (
        f"{earlier} did not fit into the model's context window of {record.left_out.window:,} tokens and were left out;"
        " /summary sends a summary of them, /keep always sends a message."
    )


def seconds(milliseconds: int | None) -> str:
    """``0.4 s``, ``12 s``, ``2:05``."""
    if milliseconds is None:
        return ""
    if milliseconds < 9_950:
        return f"{milliseconds / 1000:.1f} s"
    whole = round(milliseconds / 1000)
    return f"{whole} s" if whole < 100 else f"{whole // 60}:{whole % 60:02}"
