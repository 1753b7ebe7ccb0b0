"""Every entry of ``config.toml``: its name, its kind, its default, and a sentence about it.

The settings screen, ``routerterm config show`` and the documentation read the sentences from here.
Times are seconds, money is US dollars; None leaves it to what is built in.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, field_validator, model_validator

from routerterm.core.messages import Role

Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Usd: TypeAlias = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(gt=0)]
Percent: TypeAlias = Annotated[int, Field(gt=0, le=100)]
Strategy: TypeAlias = Literal["priority", "round-robin", "weighted", "cheapest", "fastest"]
OnCut: TypeAlias = Literal["continue", "restart", "stop"]
OnCap: TypeAlias = Literal["block", "ask", "cheaper"]
Act: TypeAlias = Literal["off", "log", "warn", "redact", "block"]
RuleAct: TypeAlias = Literal["log", "warn", "redact", "block"]
KeyPlace: TypeAlias = Literal["keyring", "vault", "cmd", "env"]

KEY_PLACES: tuple[KeyPlace, ...] = ("keyring", "vault", "cmd", "env")
_KEY_HEADERS = {"authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key"}


def _in_one_piece(value: str | None) -> str | None:
    """An address that can only be meant as it is written.  Raises `ValueError`."""
    if value is not None and any(letter.isspace() or not letter.isprintable() for letter in value):
        raise ValueError("must be in one piece, without a line break, a blank or an invisible letter")
    return value


class Section(BaseModel):
    """A table of the file: unknown entries are errors, and an error never shows what was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RouterSettings(Section):
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

    @field_validator("proxy")
    @classmethod
    def _is_in_one_piece(cls, value: str | None) -> str | None:
        return _in_one_piece(value)


class RouteSettings(Section):
    """A route: a name for several models that stand in for each other."""

    strategy: Strategy = "priority"
    """In which order its models are asked."""
    models: tuple[str, ...] = Field(min_length=1)
    """Models (provider/model), providers (for their default model), aliases or other routes, in order."""
    weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Shares of the requests by entry of `models`, for the strategy `weighted`; 1 where none is given."""
    hedge: bool = False
    """Ask a second model too when the first is slower than it usually is; the faster one answers."""


class KeyRef(Section):
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

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"ref": value} if isinstance(value, str) else value

    @field_validator("ref")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        place, colon, rest = value.partition(":")
        if not (colon and rest.strip() and place in KEY_PLACES):
            raise ValueError("must say where the key is: env:NAME, keyring:LABEL, vault:LABEL or cmd:COMMAND")
        return value

    @property
    def place(self) -> str:
        """The kind of place: ``env``, ``keyring``, ``vault`` or ``cmd``."""
        return self.ref.partition(":")[0]

    @property
    def name(self) -> str:
        """The name or command at that place."""
        return self.ref.partition(":")[2].strip()


class ProviderSettings(Section):
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
    headers: dict[str, str] = Field(default_factory=dict)
    """Further HTTP headers for its requests; keys do not belong here."""
    timeout: Seconds | None = None
    """Longest wait for the first piece of its answers."""
    local: bool | None = None
    """Whether it runs on this machine or in this house: free of charge, and good for private conversations."""

    @field_validator("base_url", "proxy")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value:
            raise ValueError("must be a URL that begins with http:// or https://")
        return value

    @field_validator("base_url", "proxy")
    @classmethod
    def _is_in_one_piece(cls, value: str | None) -> str | None:
        return _in_one_piece(value)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None:
            url = TypeAdapter(HttpUrl).validate_python(value)
            if url.username or url.password or url.query:
                raise ValueError("must hold no name, password or query: a key goes into `keys`")
        return value

    @field_validator("headers")
    @classmethod
    def _holds_no_key(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.lower() in _KEY_HEADERS:
                raise ValueError(f"may not hold {name}: a key goes into `keys`")
            if not f"{name}{value[name]}".isprintable():
                raise ValueError(f"may not hold {name!a}: it has a line break or another character that is not printed")
        return value


class ModelSettings(Section):
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


class CapSettings(Section):
    """Limits in US dollars for one route, provider or model."""

    request: Usd | None = None
    """For one request."""
    day: Usd | None = None
    """For one day."""
    month: Usd | None = None
    """For one calendar month."""


class BudgetSettings(CapSettings):
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
    routes: dict[str, CapSettings] = Field(default_factory=dict)
    """Limits by route."""
    providers: dict[str, CapSettings] = Field(default_factory=dict)
    """Limits by provider."""
    models: dict[str, CapSettings] = Field(default_factory=dict)
    """Limits by model, as provider/model."""


class GuardRule(Section):
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

    @model_validator(mode="after")
    def _has_one_condition(self) -> GuardRule:
        if sum(map(bool, (self.regex, self.contains_all, self.contains_any))) != 1:
            raise ValueError("needs exactly one of regex, contains_all and contains_any")
        return self


class GuardDetectors(Section):
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


class GuardSettings(Section):
    """What must not leave the machine."""

    enabled: bool = True
    """Whether anything is looked at."""
    detectors: GuardDetectors = GuardDetectors()
    """Things found by their shape."""
    rules: tuple[GuardRule, ...] = ()
    """Rules of your own, looked at in order."""


class UiSettings(Section):
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


class KeysSettings(Section):
    """Where API keys are kept."""

    order: tuple[KeyPlace, ...] = KEY_PLACES
    """Which places are asked for keys, in order."""
    unlocked: Annotated[int, Field(ge=0)] = 30
    """Minutes that our own vault stays open after it was used."""


class GatewaySettings(Section):
    """The local server through which other programs use this router (`routerterm serve`)."""

    enabled: bool = False
    """Whether the chat runs it inside itself while it is open."""
    host: str = "127.0.0.1"
    """The address it listens at; any but this machine's own wants a token."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8484
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
