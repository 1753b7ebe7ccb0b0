"""Pictures, with the extra and without: what the person attached, and what an answer carries as data."""

from __future__ import annotations

import asyncio
import base64
import random
import struct
import threading
import zlib
from collections.abc import Iterator
from io import BytesIO

import pytest
from textual.pilot import Pilot

from routerterm.core.events import TextDelta
from routerterm.core.messages import Image, Text
from routerterm.tui.markdown import data_uris, pictures
from routerterm.tui.markdown.data_uris import Folder
from routerterm.tui.markdown.lines import Line, runs_len
from routerterm.tui.markdown.pictures import is_picture, picture_lines
from routerterm.tui.markdown.stream import StreamLayout, lay_out
from routerterm.tui.themes.palette import Palette, Signs
from routerterm.tui.transcript import images
from routerterm.tui.transcript.layout.entry import entry_lines
from routerterm.tui.transcript.layout.parts import image_lines
from routerterm.tui.transcript.paint import paint
from routerterm.tui.transcript.selection import END, Place, Selection
from routerterm.tui.transcript.values import Entry, Header
from tests.tui.transcript.stage import Stage, rows, said

PALETTE = Palette.default()
SIGNS = PALETTE.signs
HALF = SIGNS.half


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A picture of four by four pixels, the upper half red, the lower blue, in a terminal with colours."""
    pytest.importorskip("PIL.Image", reason="the extra `images` is not installed")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    pictures.can_draw.cache_clear()
    yield made(4, 4)
    pictures.can_draw.cache_clear()


def made(width: int, height: int, kind: str = "PNG", **options: object) -> bytes:
    from PIL import Image as Pil

    picture = Pil.new("RGB", (width, height), "#ff0000")
    picture.paste("#0000ff", (0, height * 3 // 4, width, height))
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def at_once(data: bytes, width: int) -> tuple[Line, ...]:
    """Draws without a thread."""
    return picture_lines(data, width, HALF)


def on_screen(stage: Stage) -> int:
    """Rows of pictures in view."""
    return sum(HALF in row for row in rows(stage.transcript))


async def settled(pilot: Pilot[None], stage: Stage, count: int) -> None:
    for _ in range(6_000):  # a minute, for a loaded machine
        await pilot.pause(0.01)
        if on_screen(stage) == count:
            return
    raise AssertionError(rows(stage.transcript))


# -- drawing ------------------------------------------------------------------------------------------


def test_a_picture_is_drawn_with_half_cells(drawn: bytes) -> None:
    lines = image_lines(Image("image/png", drawn, name="four.png"), 40, SIGNS, at_once)
    assert "four.png" in lines[0].text
    assert [line.runs for line in lines[1:]] == [(("▀▀▀▀", "~#ff0000@#ff0000"),), (("▀▀▀▀", "~#ff0000@#0000ff"),)]
    assert all(not line.plain for line in lines[1:])
    style = paint(lines[2], 43, 40, PALETTE)._segments[2].style
    assert style is not None
    assert (style.color.name, style.bgcolor.name) == ("#ff0000", "#0000ff")  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_it_is_never_larger_than_the_view(drawn: bytes, kind: str) -> None:
    for size in ((3000, 2000), (10, 3000), (3000, 10)):
        lines = picture_lines(made(*size, kind), 20, HALF)
        assert 1 <= len(lines) <= pictures.ROWS <= 12
        assert all(runs_len(line.runs) <= 20 for line in lines)


def test_a_photograph_stands_upright(drawn: bytes) -> None:
    from PIL import Image as Pil

    exif = Pil.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert len(picture_lines(made(40, 8), 60, HALF)) == 4
    assert len(picture_lines(made(40, 8, "JPEG", exif=exif.tobytes()), 60, HALF)) == 12


def test_what_is_no_picture_is_only_named(drawn: bytes) -> None:
    for data in (b"\x89PNG\r\n\x1a\nnot really", drawn[:44], b"", b"GIF89a", b"RIFF\0\0\0\0WEBP", bytes(999)):
        assert picture_lines(data, 40, HALF) == ()


def test_no_other_format_is_opened(drawn: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostScript would start a program, TIFF and others have long been doors."""
    for kind in ("TIFF", "PPM", "BMP", "EPS", "PDF"):
        assert picture_lines(made(8, 8, kind), 40, HALF) == ()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has so many pixels, and has them."""
    row = zlib.compressobj(9)
    body = b"".join(row.compress(bytes(1 + width // 8)) for _ in range(height)) + row.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_bomb_is_not_unpacked(drawn: bytes, recwarn: pytest.WarningsRecorder) -> None:
    import PIL.PngImagePlugin

    opened: list[int] = []
    load = PIL.PngImagePlugin.PngImageFile.load_prepare

    def counted(self: PIL.PngImagePlugin.PngImageFile) -> None:
        opened.append(self.width * self.height)
        load(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PIL.PngImagePlugin.PngImageFile, "load_prepare", counted)
        small = bomb(16_000, 12_000)
        assert len(small) < 60_000
        assert picture_lines(small, 40, HALF) == ()
        assert not opened
        assert len(picture_lines(bomb(400, 400), 40, HALF)) == pictures.ROWS
        assert opened == [160_000]
    assert not recwarn.list  # a warning would be written over the screen


def test_a_photograph_of_many_pixels_is_decoded_small(drawn: bytes) -> None:
    import PIL.ImageFile

    sizes: list[int] = []
    load = PIL.ImageFile.ImageFile.load_prepare

    def counted(self: PIL.ImageFile.ImageFile) -> None:
        sizes.append(self.width * self.height)
        load(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PIL.ImageFile.ImageFile, "load_prepare", counted)
        assert len(picture_lines(made(6000, 4000, "JPEG"), 60, HALF)) == pictures.ROWS
    assert sizes
    assert max(sizes) < 1_000_000  # of 24 million


# -- in a text ----------------------------------------------------------------------------------------


def test_a_picture_in_a_text_stands_below_its_paragraph(drawn: bytes) -> None:
    text = f"Here it is:\n\n> a square ![the square]({uri(drawn)}) in a quotation\n\nThat was it."
    lines = lay_out(text, 60, SIGNS, draw=at_once)
    named = next(index for index, line in enumerate(lines) if "the square" in line.text)
    assert [line.text for line in lines[named : named + 3]] == [
        "▌ a square ▣ the square ‹PNG, 78 B› in a quotation", "▌ ▀▀▀▀", "▌ ▀▀▀▀",
    ]  # fmt: skip
    assert lines[-1].text == "That was it."
    assert [line for line in lines if not is_picture(line)] == lay_out(text, 60, SIGNS)  # without anything that draws


@pytest.mark.parametrize(
    "address",
    ["picture.png", "/etc/passwd", "file:///home/me/a.png", "https://example.org/a.png", "four.png",
     "data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,PGI+", "data:image/png;base64,@@@@",
     "data:image/png,plain"],
)  # fmt: skip
def test_nothing_but_data_is_drawn(drawn: bytes, address: str) -> None:
    asked: list[bytes] = []

    def draw(data: bytes, width: int) -> tuple[Line, ...]:
        asked.append(data)
        return ()

    entry = Entry("a", "assistant", (Image("image/png", drawn, name="four.png"), Text(f"![a picture]({address})")))
    text = "\n".join(line.text for line in entry_lines(entry, 60, SIGNS, draw=draw))
    assert "a picture" in text
    assert asked == [drawn]  # the one that the person sent, and nothing that an answer names


def test_a_name_cannot_be_forged(drawn: bytes) -> None:
    """What stands in the text for one picture leads, written by hand, to nothing."""
    folder = Folder()
    folded = folder.feed(f"![a]({uri(drawn)})") + folder.close()
    (address,) = folder.pictures
    assert folded == f"![a]({address})"
    assert not any(is_picture(line) for line in lay_out(folded, 60, SIGNS, draw=at_once))


def test_a_picture_too_large_is_dropped_as_it_comes(drawn: bytes) -> None:
    folder = Folder()
    folder.feed("![a](data:image/png;base64,")
    for _ in range(50):
        assert folder.feed("QUJD" * 10_000) == ""
        assert sum(map(len, folder._pieces or [])) <= data_uris.LARGEST
    assert folder.feed(") and on").endswith(") and on")
    assert not folder.pictures


def test_no_more_pictures_are_kept_than_can_be_drawn(drawn: bytes) -> None:
    folder = Folder()
    for number in range(3 * data_uris.MOST):
        folder.feed(f"![a]({uri(drawn + bytes([number]))})\n")
    assert len(folder.pictures) == data_uris.MOST


def test_code_shows_what_was_written(drawn: bytes) -> None:
    source = f"![the square]({uri(drawn)})"
    lines = lay_out(f"```markdown\n{source}\n```\n", 400, SIGNS, draw=at_once)
    assert lines[1].plain.rstrip() == source
    assert not any(is_picture(line) for line in lines)


@pytest.mark.parametrize("seed", range(8))
def test_a_text_with_pictures_cut_anywhere_shows_the_lines_of_the_whole(drawn: bytes, seed: int) -> None:
    noise = random.Random(seed)
    large = uri(noise.randbytes(9_000))
    text = (
        f"One ![a]({uri(drawn)}) and ![b]({uri(drawn[:30])}), two:\r\n- item ![c]({large}) end\r\n- ](data:image/png;"
        f"base64, x\n\n```\n![d]({uri(drawn)})\n```\n\n| t | u |\n|---|---|\n| ![e]({uri(drawn)}) | v |\n\n![f]({large}"
    )
    layout = StreamLayout(40, SIGNS)
    rest = text
    while rest:
        size = noise.choice((1, 3, 30, 900))
        layout.feed(rest[:size])
        rest = rest[size:]
        kept = list(layout.done)
        if noise.random() < 0.3:
            layout.settle()
        assert layout.done[: len(kept)] == kept
    layout.close()
    assert layout.done == lay_out(text, 40, SIGNS)
    assert not any(len(line.text) > 40 for line in layout.done)


def test_data_costs_no_layout_while_it_comes(drawn: bytes) -> None:
    layout = StreamLayout(60, SIGNS)
    layout.feed("![a](data:image/png;base64,")
    for _ in range(100):
        layout.feed("QUJD" * 250)
        layout.settle()
        assert layout.line_count <= 1
        assert len("".join(layout._part)) < 60


# -- on the screen ------------------------------------------------------------------------------------


async def test_what_the_person_sent_is_drawn(drawn: bytes) -> None:
    stage = Stage()
    async with stage.run_test(size=(60, 20)) as pilot:
        mine = Entry(
            "m", "user", (Text("Look"), Image("image/png", made(40, 40), name="four.png")), header=Header("you")
        )
        stage.transcript.show([mine, said("a", "I see.", "assistant")])
        assert on_screen(stage) == 0  # it is named at once, and drawn as soon as it can be
        assert any("four.png" in row for row in rows(stage.transcript))
        await settled(pilot, stage, 12)
        assert rows(stage.transcript)[-2].strip("▌ ") == "I see."  # the end stays in view


async def test_an_answer_is_drawn_once_it_is_whole(drawn: bytes) -> None:
    stage = Stage()
    async with stage.run_test(size=(60, 20)) as pilot:
        text = f"A square:\n\n![the square]({uri(drawn)})\n\nDone."
        stage.transcript.begin_stream(Entry("a", "assistant", status="streaming", header=Header("demo")))
        for begin in range(0, len(text), 7):
            stage.transcript.feed("a", TextDelta(text[begin : begin + 7]))
        stage.transcript.flush()
        await pilot.pause(0.1)
        assert on_screen(stage) == 0
        stage.transcript.end_stream("a", said("a", text, "assistant"))
        await settled(pilot, stage, 2)


async def test_what_is_read_stays_where_it_is_when_a_picture_appears(drawn: bytes) -> None:
    stage = Stage()
    async with stage.run_test(size=(60, 12)) as pilot:
        text = f"![the square]({uri(drawn)})\n\n" + "\n\n".join(f"paragraph {n}" for n in range(30))
        hold = threading.Event()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pictures, "picture_lines", lambda *given: hold.wait(240) and picture_lines(*given))
            stage.transcript.show([said("a", text, "assistant")])
            stage.transcript.scroll_to(y=20, animate=False)
            await pilot.pause()
            before, height = rows(stage.transcript), stage.transcript.virtual_size.height
            hold.set()
            for _ in range(6_000):
                await pilot.pause(0.01)
                if stage.transcript.virtual_size.height != height:
                    break
        assert stage.transcript.virtual_size.height == height + 2
        assert rows(stage.transcript)[1:] == before[1:]


async def test_drawing_never_holds_up_the_keys(drawn: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end, drawn_at_last = threading.Event(), threading.Event(), threading.Event()

    def slow(data: bytes, width: int, half: str) -> tuple[Line, ...]:
        begun.set()
        end.wait(240)
        drawn_at_last.set()
        return ()

    monkeypatch.setattr(pictures, "picture_lines", slow)
    stage = Stage()
    async with stage.run_test(size=(60, 20)) as pilot:
        stage.transcript.show([Entry("m", "user", (Image("image/png", drawn),))])
        await asyncio.to_thread(begun.wait, 240)
        await pilot.press("up")  # taken while the picture is still being drawn
        assert begun.is_set()
        assert not drawn_at_last.is_set()
        end.set()


async def test_the_same_picture_is_decoded_once_for_a_width(drawn: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []

    def counted(data: bytes, width: int, half: str) -> tuple[Line, ...]:
        widths.append(width)
        return picture_lines(data, width, half)

    monkeypatch.setattr(pictures, "picture_lines", counted)
    stage = Stage()
    async with stage.run_test(size=(60, 30)) as pilot:
        stage.transcript.show([Entry(f"m{n}", "user", (Image("image/png", drawn),)) for n in range(5)])
        await settled(pilot, stage, 10)
        assert len(widths) == 1
        await pilot.resize_terminal(50, 30)
        await settled(pilot, stage, 10)
        assert len(widths) == 2


async def test_an_entry_draws_so_many_and_no_more(drawn: bytes) -> None:
    stage = Stage()
    async with stage.run_test(size=(60, 90)) as pilot:
        stage.transcript.show([Entry("m", "user", (Image("image/png", drawn),) * (images.PER_ENTRY + 5))])
        await settled(pilot, stage, 2 * images.PER_ENTRY)


@pytest.mark.parametrize("without", ["colours", "the extra", "half blocks", "a fast line"])
async def test_where_it_cannot_be_drawn_it_is_named(
    drawn: bytes, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    if without == "colours":
        monkeypatch.setenv("NO_COLOR", "1")
    if without == "the extra":
        monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    pictures.can_draw.cache_clear()
    stage = Stage()
    async with stage.run_test(size=(60, 20)) as pilot:
        if without == "half blocks":
            stage.transcript.set_palette(Palette(signs=Signs.plain()))
        if without == "a fast line":
            stage.transcript.throttle(True)
        image = Image("image/png", drawn, name="four.png")
        stage.transcript.show([Entry("m", "user", (image, Text(f"![square]({uri(drawn)})")))])
        await pilot.pause(0.2)
        assert on_screen(stage) == 0
        assert any("four.png" in row for row in rows(stage.transcript))
        assert any("square" in row for row in rows(stage.transcript))
        assert stage.transcript.gallery._thread is None  # nobody was asked to draw


async def test_a_copy_has_no_picture_in_it(drawn: bytes) -> None:
    stage = Stage()
    async with stage.run_test(size=(60, 20)) as pilot:
        stage.transcript.show([said("a", f"Before\n\n![square]({uri(drawn)})\n\nafter", "assistant")])
        await settled(pilot, stage, 2)
        stage.transcript.select(Selection(Place(0, 1, 0), Place(0, 99, END)))
        assert stage.transcript.selected.split("\n\n") == ["Before", "▣ square ‹PNG, 78 B›", "after"]
