"""Pictures, with the extra and without."""

from __future__ import annotations

from io import BytesIO

import pytest

from routerterm.core.messages import Image
from routerterm.tui.transcript.layout import pictures
from routerterm.tui.transcript.layout.lines import runs_len
from routerterm.tui.transcript.layout.parts import image_lines
from routerterm.tui.transcript.paint import paint
from routerterm.tui.transcript.palette import Palette

PALETTE = Palette.default()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A picture of four by four pixels, the upper half red, the lower blue, in a terminal with colours."""
    pil = pytest.importorskip("PIL.Image", reason="the extra `images` is not installed")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    picture = pil.new("RGB", (4, 4), "#ff0000")
    picture.paste("#0000ff", (0, 3, 4, 4))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_drawn_with_half_cells(drawn: bytes) -> None:
    lines = image_lines(Image("image/png", drawn, name="four.png"), 40, PALETTE.signs)
    assert "four.png" in lines[0].text
    assert [line.runs for line in lines[1:]] == [(("▀▀▀▀", "~#ff0000@#ff0000"),), (("▀▀▀▀", "~#ff0000@#0000ff"),)]
    assert all(not line.plain for line in lines[1:])
    style = paint(lines[2], 43, 40, PALETTE)._segments[2].style
    assert style is not None
    assert (style.color.name, style.bgcolor.name) == ("#ff0000", "#0000ff")  # type: ignore[union-attr]


def test_it_is_never_larger_than_the_view(drawn: bytes) -> None:
    from PIL import Image as Pil

    file = BytesIO()
    Pil.open(BytesIO(drawn)).resize((3000, 2000)).save(file, "JPEG")
    lines = pictures.picture_lines(file.getvalue(), 20)
    assert 1 <= len(lines) <= pictures.ROWS
    assert all(runs_len(line.runs) <= 20 for line in lines)


def test_what_is_no_picture_is_only_named(drawn: bytes) -> None:
    assert len(image_lines(Image("image/png", b"\x89PNG\r\n\x1a\nnot really"), 40, PALETTE.signs)) == 1
    assert len(image_lines(Image("image/png", drawn[:44]), 40, PALETTE.signs)) == 1


def test_without_colours_it_is_only_named(drawn: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert len(image_lines(Image("image/png", drawn), 40, PALETTE.signs)) == 1
