"""Everything of Textual's inside that the program relies on: where one is gone after an upgrade, its name is here."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from textual import events
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual._wrap import compute_wrap_offsets
from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.document._document import Document
from textual.document._wrapped_document import WrappedDocument
from textual.dom import DOMNode
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.worker import Worker
from textual.worker_manager import WorkerManager

from routerterm.core.graphemes import ends
from routerterm.tui.textual_internals import driver, kept_rules, leaving, quick_classes, screens
from routerterm.tui.textual_internals.text import (
    count_vowel_signs,
    is_text,
    key_name,
    know_every_letter,
    letters_of,
    measure_joiners,
    wrap_between_letters,
    wrap_offsets,
)


def test_names_of_keys() -> None:
    assert [key_name(character) for character in "aA,é "] == ["a", "A", "comma", "é", "space"]


@pytest.mark.parametrize(
    ("character", "text"),
    [
        ("a", True),
        ("\u3000", True),
        ("\u200d", True),
        ("\x01", False),
    ],
)
def test_textual_takes_every_letter_for_text(character: str | None, text: bool) -> None:
    know_every_letter()
    assert is_text(character) is text
    assert events.Key("x", character).is_printable is text


PRIVATE: dict[str, tuple[type, tuple[str, ...]]] = {
    "a part of the screen": (
        DOMNode,
        (
            "_bindings", "_css_bases", "_css_type_name", "_css_type_names", "_inherit_bindings",
            "_inherit_component_classes", "_inherit_css", "_merged_bindings", "_reactives",
        ),
    ),
    "a widget": (
        Widget,
        (
            "_closed", "_closing", "_computes", "_container_size", "_dispatch_message", "_forward_event", "_on_key",
            "_pruning", "_size", "_size_updated", "_styles_cache", "_vertical_scrollbar",
        ),
    ),
    "a screen": (
        Screen,
        (
            "_compositor", "_dirty_widgets", "_layout_required", "_on_timer_update", "_recompose_required",
            "_repaint_required", "_scroll_required",
        ),
    ),
    "an app": (
        App,
        (
            "_batch_count", "_exception", "_exception_event", "_handle_exception", "_return_code", "_start_widget",
            "_watch_theme", "_workers",
        ),
    ),
    "work": (Worker, ("_work",)),
    "what sees to work": (WorkerManager, ("_remove_worker",)),
    "a style sheet": (Stylesheet, ("_parse_cache", "_parse_rules", "_variables")),
    "a compositor": (Compositor, ("_render_chops",)),
    "a cache of rows": (StylesCache, ("_cache", "_dirty_lines", "_width")),
    "a driver": (
        LinuxDriver,
        (
            "_app", "_auto_restart", "_enable_in_band_window_resize", "_get_terminal_size", "_in_band_window_resize",
            "_key_thread", "_loop", "_request_terminal_sync_mode_support", "_sigtstp_application",
        ),
    ),
    "Rich's console": (Console, ("_color_system",)),
}  # fmt: skip
"""Every private that the modules below use; those of `text` are tried out by themselves."""


@pytest.mark.parametrize("whose", PRIVATE)
def test_every_private_is_still_there(whose: str) -> None:
    kind, names = PRIVATE[whose]
    sources = "".join(
        inspect.getsource(base) for base in kind.__mro__ if base.__module__.startswith(("textual.", "rich."))
    )
    missing = [name for name in names if not hasattr(kind, name) and not re.search(rf"self\.{name}\b", sources)]
    assert missing == []


def test_the_list_of_privates_is_whole() -> None:
    """What the folder reaches into, by its own source, is what is tried out here."""
    named = {name for _, names in PRIVATE.values() for name in names}
    used = set()
    for module in (screens, driver, kept_rules, leaving, quick_classes):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                used.add(node.attr)
    assert used - named == {"_whole", "_through", "_file", "_known", "_asked", "_lacking"}  # our own


LIGHTLY = """
from routerterm.tui.textual_internals.light_import import import_app
import_app()
import re, sys
assert not {"textual.types", "textual.widgets._directory_tree", "rich.table"} & set(sys.modules)
import rich.table, textual.command, textual.content, textual.color
assert issubclass(textual.command.CommandPalette, textual.screen.Screen) and rich.table.Table().columns == []
assert isinstance(re.compile("a"), re.Pattern)
assert textual.color.Color.parse("#102030").rgb == (16, 32, 48)
assert textual.content.Content.from_markup("[b]so[/b]").plain == "so"
"""


def test_textual_is_imported_without_what_is_never_shown() -> None:
    subprocess.run([sys.executable, "-c", LIGHTLY], check=True, timeout=300)


CLASSES = """
from textual.dom import DOMNode
slowly = DOMNode.__dict__["__init_subclass__"].__func__
from routerterm.tui.textual_internals.light_import import import_app
import_app()
import importlib, pkgutil, textual.widgets
from textual.binding import Binding
from textual.reactive import reactive, var
from textual.widget import Widget
for _, name, _ in pkgutil.walk_packages(textual.widgets.__path__, "textual.widgets."):
    importlib.import_module(name)
import routerterm.tui.app

class Mixed: mixed = var(1)
class Apart(Widget, inherit_bindings=False, inherit_css=False, can_focus=True):
    BINDINGS = [("a,b", "one", "One"), Binding("c", "two", "Two", priority=True)]
    own = reactive(0)
    def compute_own(self): return 1
class Both(Mixed, Apart):
    BINDINGS = [("a", "other", "Other")]
    def _compute_mixed(self): return 2

def described(kind):
    bindings = [(key, list(found)) for key, found in kind._merged_bindings.key_to_bindings.items()]
    return (kind._reactives, list(kind._reactives), bindings, kind._computes, kind._css_type_name,
            kind._css_type_names, kind._inherit_css, kind._inherit_bindings, kind._inherit_component_classes)

def below(kind):
    return [kind, *(one for each in kind.__subclasses__() for one in below(each))]

kinds = below(DOMNode)[1:]
quickly = [described(kind) for kind in kinds]
for kind, quick in zip(kinds, quickly):
    slowly(kind, *quick[-3:-2], inherit_bindings=quick[-2], inherit_component_classes=quick[-1])
    assert described(kind) == quick, kind
assert len(kinds) > 100
Both()._bindings.bind("a", "more")
assert described(Apart) == quickly[kinds.index(Apart)]
"""


def test_classes_made_quickly_are_as_textual_makes_them() -> None:
    subprocess.run([sys.executable, "-c", CLASSES], check=True, timeout=300)


def test_vowel_signs_have_a_column() -> None:
    count_vowel_signs()
    assert cell_len("\u093f") == 1
    assert cell_len("\u0301") == 0
    assert cell_len("日a") == 3


def test_only_emoji_are_joined_into_one_width() -> None:
    measure_joiners()
    assert cell_len("👩\u200d👩\u200d👧") == 2
    assert cell_len("ක්\u200dෂ") == cell_len("ක්ෂ") == 2
    assert letters_of("ක්\u200dෂa") == ([(0, 3, 1), (3, 4, 1), (4, 5, 1)], 3)
    assert letters_of("👩\u200d👧a") == ([(0, 3, 2), (3, 4, 1)], 3)


async def test_the_places_of_widgets_are_told_while_they_hold() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await pilot.pause()
        places = screens.places_of(app.screen)
        assert places is not None
        assert places[app.screen][0].size == app.size
        assert screens.places_of(app.screen) is places
        with app.batch_update():
            assert screens.places_of(app.screen) is None
        below = app.screen
        await app.push_screen(ModalScreen())
        assert screens.places_of(below) is None


LETTERS = ["a", "é", "e\u0301", "क", "कि", "क्षि", "ක්\u200dෂ", "日", "👩\u200d👩\u200d👧", "🇵🇱", " ", " "]


@given(st.lists(st.sampled_from(LETTERS), max_size=40).map("".join), st.integers(4, 20))
def test_a_long_word_is_wrapped_between_letters(text: str, width: int) -> None:
    count_vowel_signs()
    measure_joiners()
    breaks = wrap_offsets(text, width, 4)
    assert set(breaks) <= set(ends(text))
    lines = [text[start:end] for start, end in zip([0, *breaks], [*breaks, len(text)], strict=True)]
    assert "".join(lines) == text
    assert all(cell_len(line.rstrip()) <= width for line in lines)


@given(st.text("ab é日", max_size=40), st.integers(3, 20))
def test_other_words_are_wrapped_as_textual_does(text: str, width: int) -> None:
    assert wrap_offsets(text, width, 4) == compute_wrap_offsets(text, width, 4)


def test_text_areas_wrap_so() -> None:
    wrap_between_letters()
    document = WrappedDocument(Document("किकिकिकिकि"), width=5)
    assert document.get_sections(0) == ["किकि", "किकि", "कि"]
