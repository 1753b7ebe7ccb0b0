"""Modules that run when something of them is asked for, and patterns that are compiled when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("unmeasured")

BEGIN = """
import sys
from routerterm.config.light_import import LATER, LaterModule, lightly
def later(): return {name for name in LATER if type(sys.modules.get(name)) is LaterModule}
"""
PROGRAMS = {
    "what is only named is not run": """
with lightly():
    import asyncio, logging
assert {"ssl", "asyncio.sslproto"} <= later(), later()
assert "_ssl" not in sys.modules
assert asyncio.run(asyncio.sleep(0, 1)) == 1
""",
    "what is asked for is run, and is then a module as any other": """
with lightly():
    import asyncio, ssl
assert asyncio.base_events.ssl is ssl and not hasattr(ssl, "__nothing__")
assert ssl.create_default_context().check_hostname
assert type(ssl) is type(sys)
assert ssl.__loader__ is ssl.__spec__.loader and not ssl.__spec__.loader.is_package("ssl")
assert asyncio.sslproto.SSLProtocolState.UNWRAPPED and not {"ssl", "asyncio.sslproto"} & later()
try: ssl.nothing
except AttributeError as error: assert "nothing" in str(error)
""",
    "names taken from it": """
with lightly():
    import textwrap
    assert "textwrap" in later()
    from textwrap import dedent
assert dedent("  a") == "a" and "textwrap" not in later()
""",
    "all its names": """
with lightly():
    import tokenize
from tokenize import *
assert NAME and "tokenize" not in later()
""",
    "many threads at once get all of it": """
from threading import Barrier, Thread
with lightly():
    import asyncio, ssl, ipaddress, tempfile
found, gate = [], Barrier(8)
def ask():
    gate.wait()
    found.append((ssl.TLSVersion.TLSv1_3, ipaddress.ip_address, asyncio.sslproto.SSLProtocol, tempfile.gettempdir))
threads = [Thread(target=ask) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
assert len(found) == 8
""",
    "one that is broken says so each time": """
with lightly():
    import tempfile
tempfile.__loader__.true.get_code = lambda name: compile("import no_such_module", "x", "exec")
for _ in range(2):
    try: tempfile.gettempdir()
    except ImportError as error: assert "no_such_module" in str(error)
    else: raise SystemExit("no error")
""",
    "Python without OpenSSL is seen as such": """
from importlib.machinery import PathFinder
import builtins
sys.modules["_ssl"] = None
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *given: None if name == "_ssl" else find(name, *given)
with lightly():
    import asyncio.base_events
assert asyncio.base_events.ssl is None
""",
    "patterns of others are compiled when they are used, ours at once": """
import re
with lightly():
    import logging, platform
    assert type(re.compile("a")) is re.Pattern
    with lightly(): import fractions
assert type(re.compile("a")) is re.Pattern and type(logging.PercentStyle.validation_pattern) is not re.Pattern
assert logging.Formatter("%(message)s").format(logging.makeLogRecord({"msg": "a"})) == "a"
assert fractions.Fraction("3/4") == 0.75 and platform.python_version()
try: logging.Formatter("%(message")
except ValueError: pass
else: raise SystemExit("taken")
""",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_imported_lightly(what: str) -> None:
    done = subprocess.run([sys.executable, "-c", BEGIN + PROGRAMS[what]], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
