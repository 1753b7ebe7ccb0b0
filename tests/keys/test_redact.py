"""Redaction: known secrets in any dress, and the shapes of common keys; prose stays prose."""

from __future__ import annotations

import base64
import io
import json
import logging
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.keys.redact_output import masked_record, traceback_text
from routerterm.core.redact import Redactor, secret_redactor
from tests.keys.parts import GROQ, OPENAI

SHAPED = [
    OPENAI,
    GROQ,
    "sk-ant-api03-" + "A1b2C3d4" * 6,
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "sk-" + "0123456789abcdef" * 2,
    "AIzaSyA1234567890abcdefghijklmnopqrstuvw",
    "xai-" + "A1b2C3d4" * 5,
    "pplx-" + "a1b2c3d4" * 6,
    "csk-" + "a1b2c3d4" * 5,
    "hf_" + "AbCdEfGh12" * 3,
    "ghp_" + "AbCdEfGh12" * 3 + "123456",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
]
keys = st.text("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_+/=%&\"'\\", min_size=16, max_size=80)


@pytest.mark.parametrize("key", SHAPED)
@pytest.mark.parametrize("around", ["{}", "key={}.", "Incorrect key: '{}'", "a {} b", "https://x/?k={}&b", "({})\n"])
def test_a_key_that_nobody_told_us_of_is_known_by_its_shape(key: str, around: str) -> None:
    assert key not in Redactor()(around.format(key))
    assert key[10:] not in Redactor()(around.format(key))


@pytest.mark.parametrize(
    "prose",
    [
        "scikit's sk-learn and sk-lego are packages; AIza alone is nothing",
        "a task-force-of-many-words-that-goes-on-and-on, risk-averse, desk-bound",
        "0123456789abcdef0123456789abcdef01234567 is a commit",
        "ULID 01ARZ3NDEKTSV4RRFFQ69G5FAV and model anthropic/claude-sonnet-4-5-20250929",
        "the api key: see the settings", "Bearer of bad news",
    ],
)  # fmt: skip
def test_prose_stays_as_it_is(prose: str) -> None:
    assert Redactor()(prose) == prose


def test_headers_and_private_keys() -> None:
    redact = Redactor()
    assert redact("Authorization: Bearer abcdefghijklmnop1234") == "Authorization: Bearer ****1234"
    assert "s3cr3ts3cr3ts3cr3t" not in redact('{"api_key": "s3cr3ts3cr3ts3cr3t"}')
    assert "MIIEow" not in redact("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----")
    assert "MIIEow" not in redact("cut off: -----BEGIN PRIVATE KEY-----\nMIIEow…")


@given(keys, st.text(max_size=30), st.text(max_size=30))
def test_a_known_secret_never_passes(key: str, before: str, after: str) -> None:
    redact = Redactor()
    redact.learn(key)
    dressed = [key, quote(key, safe=""), json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode().rstrip("=")]
    for form in dressed:
        shown = redact(before + form + after)
        assert form not in shown
    assert redact.knows(before + key)


@given(st.lists(keys, min_size=2, max_size=5, unique=True))
def test_several_secrets_one_inside_another(many: list[str]) -> None:
    redact = Redactor()
    inside = many[0] + many[1]
    for key in [*many, inside]:
        redact.learn(key)
    shown = redact(f"{inside} {' '.join(many)}")
    assert all(key not in shown for key in [*many, inside])


@pytest.mark.parametrize("value", ["ollama", "lm-st", "password", "none", "", "x"])
def test_what_is_no_secret_blackens_nothing(value: str) -> None:
    redact = Redactor()
    redact.learn(value)
    assert redact(f"we like {value} here") == f"we like {value} here"


def test_children_do_not_inherit_what_we_know() -> None:
    redact = Redactor()
    redact.learn(OPENAI)
    environ = {"PATH": "/bin", "OPENAI_API_KEY": OPENAI, "ODD": f"url?k={OPENAI}", "LANG": "C", "KEYBOARD": "us"}
    assert redact.clean_environment(environ) == {"PATH": "/bin", "LANG": "C", "KEYBOARD": "us"}


def test_logs_and_tracebacks() -> None:
    secret = "an-odd-key-of-no-shape-1234"
    secret_redactor.learn(secret)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("test.keys")
    logger.addHandler(handler)
    logger.propagate = False
    usual = logging.getLogRecordFactory()
    logging.setLogRecordFactory(masked_record)
    try:
        raise ValueError(f"bad header {secret}")
    except ValueError as error:
        logger.exception("sending %s failed", secret)
        text = traceback_text(type(error), error, error.__traceback__)
    finally:
        logging.setLogRecordFactory(usual)
    assert "bad header" in text
    assert secret not in text
    assert "ERROR sending" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert secret not in stream.getvalue()


def test_a_crash_shows_no_key_and_leaves_no_core() -> None:
    program = f"""
import resource, threading
from routerterm.config.keys.redact_output import hide_secrets
from routerterm.core.redact import secret_redactor
hide_secrets()
secret_redactor.learn({OPENAI!r})
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
def crash(): raise RuntimeError("in a thread: {OPENAI}")
thread = threading.Thread(target=crash); thread.start(); thread.join()
raise RuntimeError("in the program: {OPENAI}")
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60).stderr
    assert "in a thread: sk-****0001" in said
    assert "in the program: sk-****0001" in said
    assert OPENAI not in said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prctl")
def test_a_loaded_key_closes_our_memory_to_other_programs() -> None:
    program = f"""
import asyncio, ctypes, pathlib, tempfile
from tests.keys.parts import keyring
def dumpable(): return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
async def main():
    store = keyring(pathlib.Path(tempfile.mkdtemp()), {{"OPENAI_API_KEY": {OPENAI!r}}})
    assert dumpable() == 1
    assert [key.secret.reveal() for key in await store.keys("openai")] == [{OPENAI!r}]
    assert dumpable() == 0
asyncio.run(main())
print("held")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "held\n", done.stderr
