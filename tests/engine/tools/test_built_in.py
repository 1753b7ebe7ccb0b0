"""The tools that need no server: pages from public addresses alone, files below allowed folders alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from routerterm.config.schema import ToolSettings
from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.messages import Text
from routerterm.engine.tools.built_in import built_in_tools, open_resolved
from routerterm.engine.tools.permission import permission
from routerterm.engine.tools.web_page import _part as page_part
from routerterm.engine.tools.web_page import fetch_page, html_text, is_public
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import Timeouts
from routerterm.router.transports.http import HttpTransport
from tests.local_server import LocalHandler, listening


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    notes, outside, own = tmp_path / "notes", tmp_path / "outside", tmp_path / "notes" / "own"
    for folder in (notes, outside, own):
        folder.mkdir()
    (notes / "plan.txt").write_text("one\ntwo\nthree\n")
    (notes / "picture.bin").write_bytes(b"\x89PNG\0\0")
    (outside / "secret.txt").write_text("secret")
    (own / "vault").write_text("keys")
    (notes / "link.txt").symlink_to(outside / "secret.txt")
    (notes / "inner.txt").symlink_to(notes / "plan.txt")
    (notes / "loop").symlink_to(notes / "loop")
    return notes


async def read(notes: Path, **arguments: object) -> str:
    _, run = built_in_tools(ToolSettings(folders=(str(notes),)), None, (notes / "own",))["read_file"]
    return (await run(arguments)).text


async def test_files_below_the_folder_are_read_in_whole_and_by_lines(notes: Path) -> None:
    assert await read(notes, path="plan.txt") == "one\ntwo\nthree\n"
    assert await read(notes, path=str(notes / "inner.txt")) == "one\ntwo\nthree\n"
    assert await read(notes, path="plan.txt", first_line=2, lines=1) == "two\n"
    assert await read(notes, path="plan.txt", first_line=99) == ""
    assert "plan.txt" in (await read(notes, path=".")).splitlines()
    assert "own/" in (await read(notes, path=".")).splitlines()


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret.txt",
        "link.txt",
        "loop",
        "nothing",
        "/etc/passwd",
        "own/vault",
        "own",
        "plan.txt/../../outside",
    ],
)
async def test_nothing_outside_is_read_and_it_is_not_told_from_what_is_not_there(notes: Path, path: str) -> None:
    with pytest.raises(RoutertermError, match="does not exist below the folders that were allowed"):
        await read(notes, path=path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "`path` must be text"),
        ({"path": 7}, "`path` must be text"),
        ({"path": "a\0b"}, "`path` must be text"),
        ({"path": "plan.txt", "lines": 0}, "`lines` must be a whole number"),
        ({"path": "plan.txt", "first_line": True}, "`first_line` must be a whole number"),
        ({"path": "picture.bin"}, "is not a text file"),
    ],
)
async def test_wrong_arguments_are_said(notes: Path, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(RoutertermError, match=says):
        await read(notes, **arguments)


def test_what_the_settings_switch_off_is_not_there() -> None:
    assert list(built_in_tools(ToolSettings(), None)) == ["fetch"]
    assert list(built_in_tools(ToolSettings(fetch="off"), None)) == []
    assert built_in_tools(ToolSettings(fetch="allow"), None)["fetch"][0].permission == "allow"


@pytest.fixture
def page() -> Iterator[str]:
    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<h1>Quartz</h1><p>See <a href='/more'>more</a> <a href='#x'>here</a>.</p><script>evil()</script>"
            self.whole(200, body, "text/html")

    with listening(Handler) as address:
        yield f"{address}/"


async def test_a_page_is_markdown_with_its_links_and_private_addresses_are_refused(page: str) -> None:
    _, fetch = built_in_tools(ToolSettings(fetch_private=True), None)["fetch"]
    text = (await fetch({"url": page})).text
    assert "# Quartz" in text
    assert f"[more]({page}more)" in text
    assert "evil" not in text
    _, fetch = built_in_tools(ToolSettings(), None)["fetch"]
    with pytest.raises(RoutertermError, match="on this machine or its network"):
        await fetch({"url": page})
    with pytest.raises(RoutertermError, match="`url` must be text"):
        await fetch({"url": None})


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(page: str) -> None:
    """DNS rebinding: the check sees a public address, the connection would go to this machine."""

    async def resolve(host: str) -> Sequence[str]:
        return ["93.184.215.14"]

    transport = HttpTransport("", allowed=is_public)
    try:
        with pytest.raises(RoutertermError) as caught:
            await fetch_page(page.replace("127.0.0.1", "0x7f.1"), transport, resolve=resolve)
        assert "on this machine" in caught.value.message
        with pytest.raises(ProviderError):  # what is connected to is looked at once more, whoever asks
            await transport.exchange(HttpRequest("GET", page), Timeouts()).__aenter__()
    finally:
        await transport.aclose()


def test_links_that_lead_nowhere_are_their_words() -> None:
    html = "<a href='javascript:x'>a</a> <a href='http://['>b</a> <a>c</a> <a href='/d'>d</a>"
    assert html_text(html, "https://e.org/") == "a b c [d](https://e.org/d)"
    assert html_text(html) == "a b c d"


@pytest.mark.parametrize(
    ("rules", "read_only", "trusted", "may"),
    [
        ({}, False, False, "ask"),
        ({}, True, False, "ask"),
        ({}, True, True, "allow"),
        ({}, False, True, "ask"),
        ({"allow": ["read_*"]}, False, False, "allow"),
        ({"allow": ["*"], "ask": ["read_f*"]}, True, True, "ask"),
        ({"allow": ["*"], "ask": ["*"], "deny": ["read_file"]}, True, True, "deny"),
        ({"allow": ["READ_*"]}, False, False, "ask"),
    ],
)
def test_the_strictest_rule_that_matches_holds(
    rules: dict[str, list[str]], read_only: bool, trusted: bool, may: str
) -> None:
    all_rules = {"allow": [], "ask": [], "deny": [], **rules}
    assert permission("read_file", read_only=read_only, trusted=trusted, **all_rules) == may


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "\ud800", "a" * 5000])
async def test_what_no_path_can_be_is_refused_in_words(notes: Path, path: str) -> None:
    with pytest.raises(RoutertermError, match="does not exist below"):
        await read(notes, path=path)


@pytest.mark.parametrize("charset", ["idna", "undefined", "utf-7", "punycode", "unicode_escape", "hex", "no-such"])
def test_a_page_in_a_codec_that_no_page_is_written_in_is_read_as_utf_8(charset: str) -> None:
    body = b"<p>a+2AA-b \\ud800</p>\xc3\xa9"
    part = page_part(body, f"text/html; charset={charset}", "page")
    assert isinstance(part, Text)
    assert "a+2AA-b \\ud800\né" in part.text


@pytest.mark.parametrize("piece", ["<!--", "<!", "<![CDATA[a>", "<a ", "</a", "<?"])
def test_a_page_of_things_that_never_end_takes_no_minutes(piece: str) -> None:
    begun = time.process_time()
    assert html_text("<p>words</p>" + piece * 10_000).startswith("words")
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "fec0::1", "64:ff9b:1::a00:1"])
def test_an_address_that_hides_one_at_home_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_public("64:ff9b::808:808")


def test_a_link_that_is_put_into_a_checked_path_gains_nothing(tmp_path: Path) -> None:
    inside, outside = tmp_path / "notes" / "deep", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text(folder.name)
    file = (inside / "a.txt").resolve(strict=True)
    with open_resolved(file) as source:
        assert source.read() == b"deep"
    inside.rename(tmp_path / "away")
    inside.symlink_to(outside)
    with pytest.raises(OSError, match="changed"):
        open_resolved(file)
