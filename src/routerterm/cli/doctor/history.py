"""The history: readable to its last page, whole in its references, findable, backed up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, date, datetime

from routerterm.cli.doctor import CheckContext, Finding
from routerterm.core.counting import format_bytes
from routerterm.core.errors import StoreError
from routerterm.store.database import Store
from routerterm.store.diagnose import Diagnosis, diagnose
from routerterm.store.maintenance import Check

MEND = "routerterm doctor --mend repairs it."


async def look(context: CheckContext) -> AsyncGenerator[Finding]:
    """Look, mend if that is asked for, and say how it stands then."""
    path = context.paths.database
    try:
        seen = await asyncio.to_thread(diagnose, path)
        if seen is None:
            yield Finding("note", "There is no history yet.")
            return
        if context.repair and not _is_well(seen):
            async with aclosing(_mend(context, seen)) as findings:
                async for finding in findings:
                    yield finding
            seen = await asyncio.to_thread(diagnose, path) or seen
    except StoreError as error:
        yield Finding("bad", error.message, error.hint)
        return
    for finding in _told(seen):
        yield finding


def _is_well(seen: Diagnosis) -> bool:
    return not seen.found.problems and seen.index_agrees is not False


async def _mend(context: CheckContext, seen: Diagnosis) -> AsyncGenerator[Finding]:
    """Rescue a damaged file, mend a sound one in place.  Raises `StoreError`."""
    store = Store.open(context.paths.database)
    try:
        if seen.found.damaged:
            rescue = (await store.rescue()).rescue
            if rescue is not None:
                yield Finding("note", f"{rescue.rows:,} entries of the damaged file could be read.")
                if rescue.from_backup:
                    yield Finding("note", f"{rescue.from_backup:,} more came from the newest backup.")
                yield Finding("note", f"The damaged file is kept as {rescue.aside}.")
            return
        mended: Check = await store.check(repairs=True)
        for done in mended.mended:
            yield Finding("note", f"{done[:1].upper()}{done[1:]}.")
    finally:
        await store.close()


def _told(seen: Diagnosis) -> list[Finding]:
    told = []
    if seen.found.damaged:
        told.append(Finding("bad", f"The history is damaged: {_listed(seen.found.problems)}.", MEND))
    elif seen.found.problems:
        told.append(Finding("bad", f"In the history {_listed(seen.found.problems)}.", MEND))
    else:
        what = f"{seen.conversations:,} conversations with {seen.messages:,} messages in {format_bytes(seen.size)}"
        told.append(Finding("good", f"{what}: every page and reference is intact."))
    if seen.index_agrees is False:
        told.append(Finding("bad", "The search index does not agree with the messages.", MEND))
    elif seen.index_agrees:
        told.append(Finding("good", "The search index agrees with the messages."))
    else:
        told.append(Finding("note", "The search index was not checked."))
    if seen.pending:
        told.append(Finding("note", "The history was written by an earlier version; the next start upgrades it."))
    if seen.others:
        programs = "program has" if seen.others == 1 else "programs have"
        told.append(Finding("note", f"{seen.others} other {programs} it open."))
    told.append(_backups(seen))
    told += [Finding("note", f"A damaged file is kept as {aside}.") for aside in seen.set_aside]
    return told


def _backups(seen: Diagnosis) -> Finding:
    if not seen.backups:
        return Finding("note", "There is no backup yet: the chat makes one a day, in the background.")
    newest = seen.backups[-1].stem.removeprefix("history-")
    days = (datetime.now(UTC).date() - date.fromisoformat(newest)).days
    if days <= 0:
        age = "today"
    elif days == 1:
        age = "yesterday"
    else:
        age = f"{days} days ago"
    return Finding("good", f"{len(seen.backups)} daily backups, the newest of {age}, in {seen.backups[-1].parent}.")


def _listed(problems: tuple[str, ...]) -> str:
    shown = "; ".join(problems[:3])
    return f"{shown}; and {len(problems) - 3} more" if len(problems) > 3 else shown
