"""Every entry of ``config.toml``: its name, its kind, its default, and a sentence about it.

The settings screen, ``routerterm config show`` and the documentation read the sentences from here.
Times are seconds, money is US dollars; None leaves it to what is built in.  These are values: what a person wrote is
checked by the models that `routerterm.config.validation` makes of them, with pydantic, and only when it has changed.
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from routerterm.config.schema_base import (
    KEY_PLACES,
    Count,
    KeyPlace,
    Minutes,
    Names,
    OnCap,
    OnCut,
    Percent,
    Port,
    Seconds,
    Section,
    Share,
    Strategy,
    Usd,
    Weight,
)
from routerterm.config.schema_guard import GuardSettings
from routerterm.config.schema_tools import McpSettings, ToolSettings


class RouterSettings(Section, frozen=True):
    """How requests are routed."""

    default: str = "smart"
    """The model, route or alias of a new conversation."""
    on_cut: OnCut = "continue"
    """What to do when an answer is cut off: let the next model continue it, restart it, or stop."""
    deadline: Seconds = 900.0
    """Maximum time for one answer, all attempts included."""
    attempts: Count = 4
    """Maximum attempts for one answer."""
    attempts_per_target: Count = 2
    """Maximum attempts per model for one answer."""
    retry_wait: Seconds = 3.0
    """Maximum wait before retrying the same model while another candidate is available."""
    connect: Seconds = 10.0
    """Maximum wait for a connection."""
    first_token: Seconds = 12.0
    """Maximum wait for the first token while another candidate is available."""
    first_token_alone: Seconds = 60.0
    """Maximum wait for the first token when there is no other candidate."""
    idle: Seconds = 15.0
    """Maximum silence in the middle of an answer while another candidate is available."""
    idle_alone: Seconds = 60.0
    """Maximum silence in the middle of an answer when there is no other candidate."""
    proxy: str | None = None
    """The proxy of all providers, as a URL; the variables AI_PROXY_URL and PROXY_URL take precedence."""


class YoursSettings(Section, frozen=True):
    """For the strategy `yours`: what counts how much; only the proportions matter."""

    rating: Weight = 1.0
    """How much your own rating of a model counts: from what you chose in compare, regenerated and continued."""
    price: Weight = 0.5
    """How much the price of the prompt counts."""
    speed: Weight = 0.25
    """How much the measured speed counts."""


class RouteSettings(Section, frozen=True, kw_only=True):
    """A route: a name for several models that replace each other."""

    strategy: Strategy = "priority"
    """The order in which its models are tried."""
    models: Names
    """Models (provider/model), providers (for their default model), aliases or other routes, in order."""
    weights: dict[str, Share] = field(default_factory=dict)
    """For the strategy `weighted`: the weight of each entry of `models`, 1 by default."""
    yours: YoursSettings = YoursSettings()
    """For the strategy `yours`: the weights of rating, price and speed."""
    hedge: bool = False
    """When the first model is slower than usual, also ask a second one; the faster one answers."""


class KeyRef(Section, frozen=True):
    """Where one key is kept, and what it may be used for."""

    ref: str
    """The place: env:NAME, keyring:LABEL, vault:LABEL or cmd:COMMAND; never the key itself."""
    label: str | None = None
    """The name that the key is shown under."""
    quota: Count | None = None
    """Most requests within 86,400 seconds of its first use."""
    rpm: Count | None = None
    """Maximum requests per minute."""
    tpm: Count | None = None
    """Maximum tokens per minute."""

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
    """The base URL of its API, usually ending in /v1."""
    keys: tuple[KeyRef, ...] = ()
    """Where its keys are, in order of preference."""
    needs_key: bool | None = None
    """Whether it refuses requests without a key."""
    default_model: str | None = None
    """The model to use where only the provider is named."""
    proxy: str | None = None
    """A proxy for this provider alone, as a URL."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further HTTP headers for its requests; keys do not belong here."""
    timeout: Seconds | None = None
    """Maximum wait for the first token of its answers."""
    local: bool | None = None
    """Whether it runs locally or in your network: free, and allowed in private conversations."""


class ModelSettings(Section, frozen=True):
    """Corrections to the catalogue for one model, written "provider/model"."""

    context: Count | None = None
    """Maximum tokens of prompt and answer together."""
    max_output: Count | None = None
    """Maximum tokens of an answer."""
    price_in: Usd | None = None
    """US dollars per million tokens of prompt; 0 means free."""
    price_out: Usd | None = None
    """US dollars per million tokens of answer."""
    price_cache_read: Usd | None = None
    """US dollars per million tokens of prompt read from the provider's cache."""
    price_cache_write: Usd | None = None
    """US dollars per million tokens of prompt written to the provider's cache."""
    vision: bool | None = None
    """Whether it reads images."""
    tools: bool | None = None
    """Whether it supports tools."""
    reasoning: bool | None = None
    """Whether it reasons before it answers."""
    prefill: bool | None = None
    """Whether it can continue a given beginning of an answer (prefill)."""
    fallbacks: tuple[str, ...] = ()
    """What to use when it fails: models, providers, aliases or routes."""


class CapSettings(Section, frozen=True):
    """Limits in US dollars for one route, provider or model."""

    request: Usd | None = None
    """For one request."""
    day: Usd | None = None
    """For one day."""
    month: Usd | None = None
    """For one calendar month."""


class BudgetSettings(CapSettings, frozen=True):
    """Spending limits.  They are checked before anything is sent; free and local models stay usable."""

    conversation: Usd | None = None
    """For one conversation."""
    requests_per_day: Count | None = None
    """Maximum requests per day."""
    tokens_per_day: Count | None = None
    """Maximum tokens per day."""
    on_cap: OnCap = "ask"
    """What happens at a limit: block, ask, or use only models cheap enough to stay within it."""
    warn_at: tuple[Percent, ...] = (50, 80)
    """The percentages of a limit at which to warn."""
    timezone: str | None = None
    """The time zone of a day, for example Europe/Warsaw; by default the system's."""
    routes: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by route."""
    providers: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by provider."""
    models: dict[str, CapSettings] = field(default_factory=dict)
    """Limits by model, as provider/model."""


class UiSettings(Section, frozen=True):
    """How the chat looks and behaves."""

    theme: str = "phosphor"
    """The theme's name."""
    line: Literal["auto", "slow", "fast"] = "auto"
    """The speed of the connection to the terminal; auto measures it."""
    driver: Literal["auto", "lean", "textual"] = "auto"
    """The terminal driver: lean sends only what changed, textual is Textual's own."""
    motion: Literal["auto", "full", "reduced"] = "auto"
    """How much is animated; auto is reduced on slow lines."""
    mouse: bool = True
    """Whether the mouse works here; otherwise the terminal uses it for selecting."""
    editing: Literal["readline", "vim"] = "readline"
    """Which keys edit the text: those of the shell (readline), or vim's, which begins in insert mode; Esc leaves it."""
    sidebar: Literal["auto", "open", "closed"] = "auto"
    """Whether the list of conversations is open at the start; auto is open from 80 columns."""
    bell: Literal["auto", "bell", "notify", "off"] = "auto"
    """How to signal a finished long answer while the terminal is not focused."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """The characters for frames and symbols."""
    scanlines: Literal["auto", "on", "off"] = "off"
    """Whether every other row is a little darker, as on a CRT; auto follows the theme where the line is fast.  What
    scrolls beside the list of conversations then needs two to three times the bytes."""
    show_speed: bool = False
    """Whether the status row shows the bytes per second sent to the terminal."""
    plain: bool = False
    """Linear output without frames, for screen readers."""
    new_chat: Literal["last", "default"] = "last"
    """The model of a new conversation: the one chosen last, or always `router.default`."""
    favourites: tuple[str, ...] = ()
    """Models and routes that the picker shows first, as provider/model."""


class KeysSettings(Section, frozen=True):
    """Where API keys are kept."""

    order: tuple[KeyPlace, ...] = KEY_PLACES
    """The places to look for keys, in order."""
    unlocked: Minutes = 30
    """Minutes that the encrypted vault stays unlocked after it was used."""


class GatewaySettings(Section, frozen=True):
    """The local server through which other programs use this router (`routerterm serve`)."""

    enabled: bool = False
    """Whether the chat runs the gateway while it is open."""
    host: str = "127.0.0.1"
    """The address it listens on; any but a loopback address needs a token."""
    port: Port = 8484
    """The port it listens on; 0 picks a free one."""
    hosts: tuple[str, ...] = ()
    """Accepted host names besides localhost, this computer's name and IP addresses."""
    keyless: Literal["auto", "off", "on"] = "auto"
    """Who needs no key: auto is your own programs, until the first virtual key is created; off is no one; on is every
    user of this computer."""
    origins: tuple[str, ...] = ()
    """Web origins that may use it from a browser, for example https://app.example; none is the safe choice."""
    largest: Count = 32
    """The largest request in megabytes."""
    at_once: Count = 512
    """Maximum concurrent requests."""
    connections: Count = 2_000
    """Maximum open connections; beyond that the one that has been idle longest is closed."""
    state: str | None = None
    """Where several gateways keep what they share: virtual keys, budgets, cooldowns, quotas and cached answers.  A URL
    without a password, such as postgresql://USER@HOST/DATABASE or redis://HOST:6379/0, or env:NAME for the variable
    with the URL; by default the history of this computer.  A change needs a restart."""
    cache: bool = False
    """Whether identical requests may be answered from the cache."""
    cache_minutes: Count = 60
    """How long cached answers are used."""
    cache_megabytes: Count = 16
    """Maximum size of the cache."""
    log: bool = False
    """Whether every request is logged in gateway.log: times, tokens and costs, never its text."""
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
    """Corrections for a model, by its name provider/model."""
    budget: BudgetSettings = BudgetSettings()
    """Spending limits."""
    guard: GuardSettings = GuardSettings()
    """What must not leave this computer."""
    tools: ToolSettings = ToolSettings()
    """What models may do with tools."""
    mcp: dict[str, McpSettings] = field(default_factory=dict)
    """MCP servers, whose tools models may call."""
    gateway: GatewaySettings = GatewaySettings()
    """The local server through which other programs use this router."""
    ui: UiSettings = UiSettings()
    """How the chat looks and behaves."""
    keys: KeysSettings = KeysSettings()
    """Where API keys are kept."""
    bindings: dict[str, str] = field(default_factory=dict)
    """Keys by command, separated by commas; `none` removes a command's keys."""
    given: frozenset[tuple[str, ...]] = frozenset()
    """No entry: the ways to those that the file gives, as in ``("router", "default")``."""
