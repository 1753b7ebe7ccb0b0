"""Settings: what is read, and how a mistake is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from routerterm.config.early_settings import QuickUi, quick_ui
from routerterm.config.paths import Paths
from routerterm.config.problems import Problem
from routerterm.config.reference_checks import BUILT_IN_ROUTES, Known, check_names, known_here
from routerterm.config.schema import Settings, UiSettings
from routerterm.config.settings import check_settings, load_settings
from routerterm.config.validation import validated
from routerterm.core.errors import SettingsError
from routerterm.router.options import BUILTIN_ROUTES

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


def write(paths: Paths, text: str) -> None:
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text, encoding="utf-8")


def problem(paths: Paths, text: str) -> tuple[str, str]:
    """The message without the file's name, and the hint."""
    write(paths, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(paths, {})
    return caught.value.message.removeprefix(str(paths.config_file)), caught.value.hint


def test_no_file_means_defaults(paths: Paths) -> None:
    settings = load_settings(paths, {})
    assert settings == Settings()
    assert settings.router.default == "smart"


def test_a_full_file_is_read_as_written(paths: Paths) -> None:
    write(
        paths,
        """
        [router]
        default = "quick"
        on_cut = "restart"
        [routes.quick]
        strategy = "weighted"
        models = ["groq", "house/qwen"]
        weights = { groq = 3 }
        [aliases]
        q = "quick"
        [providers.house]
        protocol = "openai-chat"
        base_url = "http://192.168.1.5:8080/v1"
        keys = ["env:HOUSE_KEY", { ref = "cmd:pass show house", quota = 100 }]
        local = true
        [models."house/qwen"]
        context = 32768
        price_in = 0.1
        [budget]
        day = 2.00
        [budget.providers.openai]
        month = 0.30
        [[guard.rules]]
        name = "code words"
        action = "block"
        contains_any = ["bluebird"]
        [bindings]
        find = "f5,ctrl+f"
        """,
    )
    settings = load_settings(paths, {})
    assert settings.routes["quick"].weights == {"groq": 3.0}
    assert [(key.place, key.name, key.quota) for key in settings.providers["house"].keys] == [
        ("env", "HOUSE_KEY", None),
        ("cmd", "pass show house", 100),
    ]
    assert settings.models["house/qwen"].price_in == Decimal("0.1")
    assert settings.budget.providers["openai"].month == Decimal("0.30")
    assert settings.guard.rules[0].roles == ("user", "system", "tool")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[rooter]\n", ', line 1: there is no setting "rooter" at the top.', "Did you mean router?"),
        ("\n[ui]\nthem = 'x'\n", ', line 3: there is no setting "them" in [ui].', "Did you mean theme?"),
        (
            "[routes.a]\nmodels=['openai']\nstrategi='fastest'",
            ', line 3: there is no setting "strategi" in [routes.a].',
            "Did you mean strategy?",
        ),
        (
            "[routes.a]\nmodels = ['openai']\nstrategy = 'fast'",
            ", line 3: routes.a.strategy must be one of priority, round-robin, weighted, cheapest, fastest, yours.",
            "Did you mean fastest?",
        ),
        ("[router]\nattempts = 0", ", line 2: router.attempts must be greater than 0.", ""),
        ("[router]\nattempts = 'four'", ", line 2: router.attempts must be a whole number", ""),
        ("[routes.a]\nstrategy = 'fastest'", ", line 1: routes.a needs the setting models.", ""),
        ("[routes.a]\nmodels = []", ", line 2: routes.a.models ", ""),
        ("[budget]\nday = -1.0", ", line 2: budget.day must be greater than or equal to 0.", ""),
        (
            "[budget.routes.smart]\ndayly = 1",
            ', line 2: there is no setting "dayly" in [budget.routes.smart].',
            "Did you",
        ),
        ("[guard.detectors]\ncards = 'block'", ', line 2: there is no setting "cards"', "Did you mean card?"),
        (
            "[[guard.rules]]\nname = 'x'\naction = 'blok'\nregex = 'x'",
            ", line 3: guard.rules[1].action must be one of log, warn, redact, block.",
            "Did you mean block?",
        ),
        ("[[guard.rules]]\nname = 'x'\naction = 'log'", ", line 1: guard.rules[1] needs exactly one of", ""),
        ("[[guard.rules]]\nname='x'\naction='log'\nregex='('", ", line 4: guard.rules[1].regex is not a regular", ""),
        ("[budget]\ntimezone = 'Europe/Warsav'", ", line 2: budget.timezone is not a time zone.", "Europe/Warsaw"),
        ("[ui]\nline = 'slow'\n[ui]", ", line 3: this is not TOML: cannot declare [ui] twice.", ""),
        ("[ui", ": this is not TOML: expected ']' at the end of a table declaration, at the end of the file.", ""),
        ("[ui]\ntheme = amber", ", line 2: this is not TOML: invalid value.", "quotes"),
        ("[ui]\ntheme = 'a'\ntheme = 'b'\n", ", line 3: this is not TOML: cannot overwrite a value.", ""),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(paths: Paths, text: str, message: str, hint: str) -> None:
    said, advice = problem(paths, text)
    assert said.startswith(message)
    assert hint in advice


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "[providers.opnai]\nkeys = ['env:X']",
            ", line 1: providers.opnai is not built in, and lacks protocol and base_url.",
            "Did you mean openai?",
        ),
        (
            "[providers.house]\nprotocol = 'openai-chaat'\nbase_url = 'http://x/v1'",
            ", line 2: providers.house.protocol is not a protocol that routerterm supports.",
            "Did you mean openai-chat?",
        ),
        ("[providers.x]\nprotocol='ollama'\nbase_url='x:1'", ", line 3: providers.x.base_url must be a URL", ""),
        (
            "[providers.x]\nprotocol='ollama'\nbase_url='http://k@x/'",
            ", line 3: providers.x.base_url must not contain a user name",
            "",
        ),
        (
            "[providers.x]\nprotocol='openai-chat'\nbase_url='http://x/v1'\ndialect = 'grok'",
            ", line 4: providers.x.dialect is not a dialect of openai-chat.",
            "Did you mean groq?",
        ),
        (
            "[router]\ndefault = 'smrt'",
            ', line 2: router.default: there is no model, route or alias "smrt".',
            "Did you mean smart?",
        ),
        ("[routes.a]\nmodels = [\n'openai',\n'grok/x']", ", line 4: routes.a.models[2]: there is no provider", "groq"),
        ("[routes.a]\nmodels = ['openai/']", ', line 2: routes.a.models[1]: "openai/" is not a model.', ""),
        ("[models.gpt]\ncontext = 1", ", line 1: models.gpt must be named provider/model.", ""),
        ("[models.'opena/x']\ncontext = 1", ', line 1: models."opena/x": there is no provider "opena".', "openai"),
        ("[budget.providers.opnai]\nday=1", ", line 1: budget.providers.opnai: there is no", "openai"),
        ("[routes.a]\nmodels=['groq']\nweights={gro=1}", ", line 3: routes.a.weights.gro is not among", "groq"),
        ("[routes.'a b']\nmodels=['groq']", ', line 1: routes."a b" must not contain a slash or a space.', ""),
        ("[routes.a]\nmodels=['groq']\n[aliases]\na='smart'", ", line 4: a is the name of a route as well", ""),
    ],
)
def test_a_name_that_leads_nowhere_is_reported(paths: Paths, text: str, message: str, hint: str) -> None:
    said, advice = problem(paths, text)
    assert said.startswith(message)
    assert hint in advice


def test_a_route_that_points_to_itself_is_reported_once_with_its_way(paths: Paths) -> None:
    write(paths, "[routes.a]\nmodels = ['groq', 'b']\n[routes.b]\nmodels = ['c']\n[aliases]\nc = 'a'\n")
    _, problems = check_settings(paths, {})
    assert [(each.line, each.message) for each in problems] == [(1, "routes.a refers to itself: a → b → c → a")]


def test_a_route_whose_providers_are_all_switched_off_is_reported(paths: Paths) -> None:
    write(
        paths,
        "[routes.a]\nmodels = ['groq', 'b']\n[aliases]\nb = 'openai/x'\n"
        "[providers.groq]\nenabled = false\n[providers.openai]\nenabled = false\n",
    )
    _, problems = check_settings(paths, {})
    assert [each.message.split(":")[0] for each in problems] == [
        "routes.a can never be used",
        "aliases.b can never be used",
    ]


def test_all_mistakes_are_counted_and_the_first_is_told(paths: Paths) -> None:
    message, hint = problem(paths, "[ui]\na = 1\nb = 2\nc = 3\n")
    assert message.startswith(', line 2: there is no setting "a"')
    assert "2 more: `routerterm config check` shows all." in hint


@pytest.mark.parametrize(
    "text",
    [
        f"[providers.openai]\nkeys = ['{SECRET}']",
        f"[providers.openai]\nkeys = '{SECRET}'",
        f"[providers.openai]\nbase_url = '{SECRET}'",
        f"[providers.openai]\nkeys = [{SECRET}]",
        f"[providers.openai]\nkey = '{SECRET}'",
        f"[providers.openai]\nheaders = {{ Authorization = 'Bearer {SECRET}' }}",
        f"[ui]\ntheme = 3\nline = '{SECRET}'",
    ],
)
def test_a_key_in_the_wrong_place_is_never_repeated(paths: Paths, text: str) -> None:
    write(paths, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(paths, {})
    told = f"{caught.value.message} {caught.value.hint} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "abcdefgh" not in told


def test_the_environment_says_which_proxy(paths: Paths) -> None:
    write(paths, "[router]\nproxy = 'http://file:1'")
    assert load_settings(paths, {}).router.proxy == "http://file:1"
    assert load_settings(paths, {"PROXY_URL": "http://env:2"}).router.proxy == "http://env:2"
    both = {"PROXY_URL": "http://env:2", "AI_PROXY_URL": "socks5://ai:3"}
    assert load_settings(paths, both).router.proxy == "socks5://ai:3"


def test_an_unreadable_file_is_a_sentence(paths: Paths) -> None:
    paths.config_file.mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be read: it is a folder"):
        load_settings(paths, {})


def test_text_that_is_not_utf8_is_a_sentence(paths: Paths) -> None:
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_bytes(b"[ui]\ntheme = '\xff'\n")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load_settings(paths, {})


def test_the_names_of_the_built_in_routes_are_the_routers() -> None:
    assert dict(BUILT_IN_ROUTES) == {
        name: tuple(entry.name for entry in route.models) for name, route in BUILTIN_ROUTES.items()
    }


def test_what_is_built_in_has_no_problem_of_its_own() -> None:
    assert list(check_names(Settings(), known_here())) == []


def test_checking_needs_only_names() -> None:
    known = Known(frozenset({"one"}), ("speech",), lambda _protocol: ())
    settings = validated({"routes": {"r": {"models": ["one/x", "two/y"]}}, "router": {"default": "r"}})
    problems = list(check_names(settings, known))
    assert problems == [
        Problem(("routes", "r", "models", 1), 'routes.r.models[2]: there is no provider "two"', "Known: one.")
    ]


def test_the_quick_reader_agrees_with_the_careful_one(paths: Paths) -> None:
    defaults = UiSettings()
    assert QuickUi() == QuickUi(**{name: getattr(defaults, name) for name in QuickUi.__slots__})
    write(paths, "[ui]\ntheme = 'amber'\nline = 'slow'\nmouse = false\nbell = 'off'")
    careful = load_settings(paths, {}).ui
    assert quick_ui(paths) == QuickUi(**{name: getattr(careful, name) for name in QuickUi.__slots__})


@pytest.mark.parametrize("text", ["[ui", "ui = 3", "[ui]\ntheme = 3\nmouse = 'no'", "\0"])
def test_the_quick_reader_never_complains(paths: Paths, text: str) -> None:
    write(paths, text)
    assert quick_ui(paths) == QuickUi()


def test_reading_is_the_same_from_any_folder(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(paths, "[ui]\ntheme = 'amber'")
    monkeypatch.chdir(tmp_path)
    assert load_settings(Paths.find(), {}).ui.theme == "amber"
