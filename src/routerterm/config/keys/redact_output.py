"""Keeps secrets out of what the program leaves behind: logs, tracebacks, memory dumps.

`hide_secrets` is called once, before anything else is done: whatever is logged from then on is masked before
any handler sees it, an uncaught error's traceback is too, and the system writes no core file, which would hold
every loaded key.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Any, TextIO

from routerterm.core.redact import secret_redactor


def masked_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A log record whose message, arguments and traceback are already one text without keys."""
    record = logging.LogRecord(*args, **kwargs)
    record.msg, record.args = secret_redactor(record.getMessage()), ()
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = traceback_text(*record.exc_info).rstrip("\n")
    return record


def hide_secrets(stream: TextIO | None = None) -> None:
    """See the module.  ``stream`` is where uncaught errors are written, by default standard error."""
    logging.setLogRecordFactory(masked_record)
    secret_redactor.learn_environment(os.environ)

    def uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        (stream or sys.stderr).write(traceback_text(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    forbid_core_files()


def traceback_text(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> str:
    """A traceback without keys, for the crash report too; the values of variables are never part of it."""
    return secret_redactor("".join(traceback.format_exception(kind, error, trace)))


def forbid_core_files() -> None:
    """Let the system write no image of our memory when the program crashes, nor of its children's."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@cache
def forbid_dumps() -> None:
    """Keep other programs of the same person from reading our memory, where the system can (Linux: prctl(2)).

    Called with the first key that is loaded: it takes the import of ctypes.  Programs that we start are not affected.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


_PR_SET_DUMPABLE = 4
"""From linux/prctl.h."""
