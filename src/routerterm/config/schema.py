"""Every entry of ``config.toml``: its name, its kind, its default, and a sentence about it.

The settings screen, ``routerterm config show`` and the documentation read the sentences from here.
Times are seconds, money is US dollars; None leaves it to what is built in.  These are values: what a person wrote is
checked by the models that `routerterm.config.validation` makes of them, with pydantic, and only when it has changed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct, field

from routerterm.core.messages import Role

# Kinds of values; `validation` knows their bounds.
Seconds: TypeAlias = float
Usd: TypeAlias = Decimal
Share: TypeAlias = float
Count: TypeAlias = int
Minutes: TypeAlias = int
Percent: TypeAlias = int
Port: TypeAlias = int
Names: TypeAlias = tuple[str, ...]
Strategy: TypeAlias = Literal["priority", "round-robin", "weighted", "cheapest", "fastest"]
OnCut: TypeAlias = Literal["continue", "restart", "stop"]
OnCap: TypeAlias = Literal["block", "ask", "cheaper"]
Act: TypeAlias = Literal["off", "log", "warn", "redact", "block"]
RuleAct: TypeAlias = Literal["log", "warn", "redact", "block"]
KeyPlace: TypeAlias = Literal["keyring", "vault", "cmd", "env"]

KEY_PLACES: tuple[KeyPlace, ...] = ("keyring", "vault", "cmd", "env")


class Section(Struct, frozen=True):
    """A table of the file."""


class RouterSettings(Section, frozen=True):
    """How requests are routed."""

    default: str = "smart"
    """The model, route or alias of a new conversation."""
    on_cut: OnCut = "continue"
    """What to do when an answer breaks off: let the next model continue or restart it, or stop there."""
    deadline: Seconds = 900.0
    """Longest time for one answer, all attempts together."""
    attempts: Count = 4
    """Most attempts for one answer."""
    attempts_per_target: Count = 2
    """Most attempts on one model for one answer."""
    retry_wait: Seconds = 3.0
    """Longest wait for another try on the same model while another candidate stands ready."""
    connect: Seconds = 10.0
    """Longest wait for a connection."""
    first_token: Seconds = 12.0
    """Longest wait for the first piece of an answer while another candidate stands ready."""
    first_token_alone: Seconds = 60.0
    """Longest wait for the first piece of an answer when there is no other candidate."""
    idle: Seconds = 15.0
    """Longest silence between two pieces while another candidate stands ready."""
    idle_alone: Seconds = 60.0
    """Longest silence between two pieces when there is no other candidate."""
    proxy: str | None = None
    """The proxy of all providers, as a URL; AI_PROXY_URL and PROXY_URL in the environment come before it."""


class RouteSettings(Section, frozen=True, kw_only=True):
    """A route: a name for several models that stand in for each other."""

    strategy: Strategy = "priority"
    """In which order its models are asked."""
    models: Names
    """Models (provider/model), providers (for their default model), aliases or other routes, in order."""
    weights: dict[str, Share] = field(default_factory=dict)
    """Shares of the requests by entry of `models`, for the strategy `weighted`; 1 where none is given."""
    hedge: bool = False
    """Ask a second model too when the first is slower than it usually is; the faster one answers."""


class KeyRef(Section, frozen=True):
    """Where one key is kept, and what it may be used for."""

    ref: str
    """The place: env:NAME, keyring:LABEL, vault:LABEL or cmd:COMMAND; never the key itself."""
    label: str | None = None
    """The name that the key is shown under."""
    quota: Count | None = None
    """Most requests within 86,400 seconds of its first use."""
    rpm: Count | None = None
    """Most requests a minute."""
    tpm: Count | None = None
    """Most tokens a minute."""

    @property
    def place(self) -> str:
        """The kind of place: ``env``, ``keyring``, ``vault`` or ``cmd``."""
        return self.ref.partition(":")[0]

    @property
    def name(self) -> str:
        """The name or command at that place."""
        return self.ref.partition(":")[2].strip()


class ProviderSettings(Section, frozen=True):
    """A provider.  One that is not built in needs `protocol` and `base_url`."""

    enabled: bool = True
    """Whether it may be used at all."""
    protocol: str | None = None
    """The wire protocol it speaks."""
    dialect: str | None = None
    """The variety of the protocol, named for the provider that speaks it."""
    base_url: str | None = None
    """Where its interface begins, usually ending in /v1."""
    keys: tuple[KeyRef, ...] = ()
    """Where its keys are, in order of preference."""
    needs_key: bool | None = None
    """Whether it refuses requests without a key."""
    default_model: str | None = None
    """The model that is meant where only the provider is named."""
    proxy: str | None = None
    """A proxy for this provider alone, as a URL."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further HTTP headers for its requests; keys do not belong here."""
    timeout: Seconds | None = None
    """Longest wait for the first piece of its answers."""
    local: bool | None = None
    """Whether it runs on this machine or in this house: free of charge, and good for private conversations."""


class ModelSettings(Section, frozen=True):
    """What is known better than the catalogue about one model, written "provider/model"."""

    context: Count | None = None
    """The most tokens of prompt and answer together."""
    max_output: Count | None = None
    """The most tokens of an answer."""
    price_in: Usd | None = None
    """US dollars per million tokens of prompt; 0 says that it is free."""
    price_out: Usd | None = None
    """US dollars per million tokens of answer."""
    price_cache_read: Usd | None = None
    """US dollars per million tokens of prompt read from the provider's cache."""
    price_cache_write: Usd | None = None
    """US dollars per million tokens of prompt written to the provider's cache."""
    vision: bool | None = None
    """Whether it sees pictures."""
    tools: bool | None = None
    """Whether it calls tools."""
    reasoning: bool | None = None
    """Whether it thinks before it answers."""
    prefill: bool | None = None
    """Whether it continues the beginning of an answer that it is given."""
    fallbacks: tuple[str, ...] = ()
    """What is asked instead when it fails: models, providers, aliases or routes."""


class CapSettings(Section, frozen=True):
    """Limits in US dollars for one route, provider or model."""

    request: Usd | None = None
    """For one request."""
    day: Usd | None = None
    """For one day."""
    month: Usd | None = None
    """For one calendar month."""


class BudgetSettings(CapSettings, frozen=True):
    """What may be spent.  It is looked at before anything is sent; free and local models stay usable."""

    conversation: Usd | None = None
    """For one conversation."""
    requests_per_day: Count | None = None
    """Most requests in one day."""
    tokens_per_day: Count | None = None
    """Most tokens in one day."""
    on_cap: OnCap = "ask"
    """What happens at a limit: block, ask, or only take models cheap enough to stay within it."""
    warn_at: tuple[Percent, ...] = (50, 80)
    """At which percentages of a limit to warn."""
    timezone: str | None = None
    """Whose days count, as in Europe/Warsaw; otherwise this machine's."""
    routes: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by route."""
    providers: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by provider."""
    models: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by model, as provider/model."""


class GuardRule(Section, frozen=True, kw_only=True):
    """A rule about what is sent or answered: exactly one of `regex`, `contains_all`, `contains_any`."""

    name: str
    """What it is called when it strikes."""
    action: RuleAct
    """What happens then."""
    regex: str | None = None
    """A regular expression to be found."""
    contains_all: tuple[str, ...] = ()
    """Words that must all be there, in any case."""
    contains_any: tuple[str, ...] = ()
    """Words of which one must be there, in any case."""
    roles: tuple[Role, ...] = ("user", "system", "tool")
    """Whose words are looked at; `assistant` means the answer."""


class GuardDetectors(Section, frozen=True):
    """What to do about things that are found by their shape."""

    api_key: Act = "redact"
    """API keys and access tokens."""
    private_key: Act = "redact"
    """Private keys and certificates' keys."""
    email: Act = "off"
    """E-mail addresses."""
    phone: Act = "off"
    """Telephone numbers."""
    card: Act = "off"
    """Payment cards."""
    iban: Act = "off"
    """Bank accounts."""


class GuardSettings(Section, frozen=True):
    """What must not leave the machine."""

    enabled: bool = True
    """Whether anything is looked at."""
    detectors: GuardDetectors = GuardDetectors()
    """Things found by their shape."""
    rules: tuple[GuardRule, ...] = ()
    """Rules of your own, looked at in order."""


class UiSettings(Section, frozen=True):
    """How the chat looks and behaves."""

    theme: str = "phosphor"
    """The theme's name."""
    line: Literal["auto", "slow", "fast"] = "auto"
    """How fast the line to the terminal is; auto finds out."""
    driver: Literal["auto", "lean", "textual"] = "auto"
    """What draws: our driver, which sends only what changed, or Textual's own."""
    motion: Literal["auto", "full", "reduced"] = "auto"
    """How much moves; auto is reduced on slow lines."""
    mouse: bool = True
    """Whether the mouse is taken; otherwise the terminal keeps it for selecting."""
    editing: Literal["readline", "vim"] = "readline"
    """Which keys edit the text: those of the shell (readline), or vim's, which begins in insert mode; Esc leaves it."""
    sidebar: Literal["auto", "open", "closed"] = "auto"
    """Whether the list of conversations is open at the start; auto is open from 80 columns."""
    bell: Literal["auto", "bell", "notify", "off"] = "auto"
    """How to say that a long answer is done while the terminal is not looked at."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """Which characters frames and signs are drawn with."""
    scanlines: Literal["auto", "on", "off"] = "off"
    """Whether every other row is a little darker, as on a tube; auto follows the theme where the line is fast.  What
    scrolls beside the list of conversations then takes two to three times the bytes."""
    show_speed: bool = False
    """Whether the status line shows how many bytes a second the terminal is sent."""
    plain: bool = False
    """Linear output without frames, for screen readers."""
    new_chat: Literal["last", "default"] = "last"
    """What a new conversation asks: the model that was chosen last, or always `router.default`."""
    favourites: tuple[str, ...] = ()
    """Models and routes that the picker shows before all others, as in provider/model."""


class KeysSettings(Section, frozen=True):
    """Where API keys are kept."""

    order: tuple[KeyPlace, ...] = KEY_PLACES
    """Which places are asked for keys, in order."""
    unlocked: Minutes = 30
    """Minutes that our own vault stays open after it was used."""


class GatewaySettings(Section, frozen=True):
    """The local server through which other programs use this router (`routerterm serve`)."""

    enabled: bool = False
    """Whether the chat runs it inside itself while it is open."""
    host: str = "127.0.0.1"
    """The address it listens at; any but this machine's own wants a token."""
    port: Port = 8484
    """The port it listens at; 0 takes any free one."""
    hosts: tuple[str, ...] = ()
    """Names it may be called by, besides localhost, this machine's name and bare addresses."""
    keyless: Literal["auto", "off", "on"] = "auto"
    """Who needs no key: auto is your own programs, until the first virtual key is made; off is nobody; on is every user
    of this machine."""
    origins: tuple[str, ...] = ()
    """Web pages that may ask it from within a browser, as in https://app.example; none is the safe choice."""
    largest: Count = 32
    """The largest request in megabytes."""
    at_once: Count = 512
    """Most requests at once."""
    connections: Count = 2_000
    """Most open connections; beyond that the one that has been idle longest is closed."""
    cache: bool = False
    """Whether the same request, word for word, may be answered from memory."""
    cache_minutes: Count = 60
    """How long an answer may be given again."""
    cache_megabytes: Count = 16
    """How much memory kept answers may take."""
    log: bool = False
    """Whether every request is noted in gateway.log: times, tokens and costs, never a word of it."""
    traces: bool = False
    """Whether OpenTelemetry traces are sent (extra `otel`; the usual OTEL_* variables say where to)."""


class Settings(Section, frozen=True):
    """All of ``config.toml``."""

    router: RouterSettings = RouterSettings()
    """How requests are routed."""
    routes: dict[str, RouteSettings] = field(default_factory=dict)
    """Your own routes, or other models for the built-in ones."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Short names for models or routes."""
    providers: dict[str, ProviderSettings] = field(default_factory=dict)
    """Providers: your own, or changes to those that are built in."""
    models: dict[str, ModelSettings] = field(default_factory=dict)
    """What you know better about a model, by its name provider/model."""
    budget: BudgetSettings = BudgetSettings()
    """What may be spent."""
    guard: GuardSettings = GuardSettings()
    """What must not leave the machine."""
    gateway: GatewaySettings = GatewaySettings()
    """The local server through which other programs use this router."""
    ui: UiSettings = UiSettings()
    """How the chat looks and behaves."""
    keys: KeysSettings = KeysSettings()
    """Where API keys are kept."""
    bindings: dict[str, str] = field(default_factory=dict)
    """Keys by command, separated by commas; none takes a command's keys away."""
    given: frozenset[tuple[str, ...]] = frozenset()
    """No entry: the ways to those that the file gives, as in ``("router", "default")``."""
