"""What is asked of the router: messages, and how they should be answered."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from routerterm.core.errors import BadRequest
from routerterm.core.ledger import Cap
from routerterm.core.messages import CacheMark, Message
from routerterm.core.usage import MOST_TOKENS

Effort: TypeAlias = Literal["none", "low", "medium", "high"]
Sort: TypeAlias = Literal["price", "latency", "throughput"]


class Tool(Struct, frozen=True):
    """A function that the model may call.  ``schema`` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]
    strict: bool | None = None
    """Whether the provider must hold the model to the schema; None leaves it to the provider."""
    cache: CacheMark | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else its client's protocol says of it: ``protocol.field``, written back to that protocol alone."""


class HostedTool(Struct, frozen=True):
    """A tool that the provider runs itself, or that only its own protocol knows: ``spec`` is told to it unchanged.

    For everybody else it is left out, and named.
    """

    protocol: str
    spec: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What it is called where it is left out: its type, without a version."""
        named = self.spec.get("type")
        return str(named if isinstance(named, str) and named else next(iter(self.spec), "unnamed"))[:40]

    @property
    def name(self) -> str:
        """By which name a request may choose it; empty where it has none."""
        named = self.spec.get("name")
        return named if isinstance(named, str) else ""


class JsonAnswer(Struct, frozen=True):
    """The answer is to be JSON; with a ``schema`` (JSON Schema) JSON of that shape."""

    schema: Mapping[str, Any] | None = None
    name: str = "answer"
    """What the shape is called, where a protocol wants a name: letters, digits, ``_`` and ``-``."""
    description: str = ""
    strict: bool | None = None
    """Whether the provider must hold the model to the schema; None leaves it to the provider."""


class Embedding(Struct, frozen=True):
    """Vectors are wanted instead of an answer: one for the text of each message."""

    dimensions: int | None = None
    """How long a vector is to be; None leaves it to the model."""
    purpose: Literal["", "query", "document"] = ""
    """What the texts are, for models that tell them apart."""


EFFORT_AS_ASKED = frozenset(
    ("effort_word", "thinking", "thinking_config", "thinking_budget", "reasoning", "reasoning_summary")
)
"""Names in `Params.more` of what a client says of reasoning in its protocol's words; ``effort`` says it coarsely."""


class Params(Struct, frozen=True):
    """How to answer.  None leaves the provider's own default; what a model lacks is left out for it."""

    temperature: float | None = None
    top_p: float | None = None
    max_output: int | None = None
    """Most tokens of the answer, reasoning included."""
    effort: Effort | None = None
    """How long to reason before answering."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: bool | None = None
    """Whether tools may be called in this conversation; None leaves it to the settings."""
    tools_off: tuple[str, ...] = ()
    """Tools (``server.tool``) and servers that are switched off in this conversation."""
    tools_only: tuple[str, ...] = ()
    """Globs of the tools and servers that alone are offered, as a prompt names them; empty is all."""
    web: bool | None = None
    """Whether the provider itself is to search the web for the answer; a model without that is then no candidate."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else a client asked for, by the names of `protocols.fields`: written for whoever knows it."""

    def __post_init__(self) -> None:
        """Raises `BadRequest` for a number that no model can mean: none of them may reach money or a provider."""
        if self.max_output is not None and not 1 <= self.max_output <= MOST_TOKENS:
            raise BadRequest(
                f"The maximum answer length must be from 1 to {MOST_TOKENS:,} tokens, not {self.max_output}."
            )
        for name, value, most in (("temperature", self.temperature, 100.0), ("top_p", self.top_p, 1.0)):
            if value is not None and not 0.0 <= value <= most:
                raise BadRequest(f"`{name}` must be from 0 to {most:g}.")
        if self.seed is not None and not -(2**63) <= self.seed < 2**64:
            raise BadRequest("`seed` must fit into 64 bits.")


class RoutingPreferences(Struct, frozen=True):
    """What the one who asks says about the routing of this request alone.

    It narrows and reorders what the name means and never adds to it.  Names are a provider's or ``provider/model``.
    """

    order: tuple[str, ...] = ()
    """Who is asked first, in this order; the others follow."""
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sort: Sort | None = None
    fallbacks: bool = True
    """Whether another candidate may answer when the first fails."""
    max_price_input: Decimal | None = None
    """The highest price of a token of the prompt, in USD; a model without a known price is passed over."""
    max_price_output: Decimal | None = None
    """The same for a token of the answer."""


NO_PREFERENCES = RoutingPreferences()


class ChatRequest(Struct, frozen=True):
    """One question to the router.

    ``model`` is ``provider/model``, an alias, or the bare name of a route.  ``client``, ``conversation_id``
    and ``message_id`` only label the ledger's rows.  A ``private`` request goes to local models only.
    """

    model: str
    messages: tuple[Message, ...]
    system: str | None = None
    params: Params = field(default_factory=Params)
    tools: tuple[Tool, ...] = ()
    hosted: tuple[HostedTool, ...] = ()
    tool_choice: str | None = None
    """None or ``auto``, ``none``, ``required``, or the name of one tool."""
    json: JsonAnswer | None = None
    """None is an answer in words; a model that cannot be told to answer in JSON is then no candidate."""
    embedding: Embedding | None = None
    """Where it is set, the answer's text is the JSON of the vectors (`protocols.embeddings`)."""
    private: bool = False
    client: str = "library"
    conversation_id: str | None = None
    message_id: str | None = None
    controls: RoutingPreferences = NO_PREFERENCES
    caps: tuple[Cap, ...] = ()
    """Limits that this request is held against besides the person's own."""
    step: int | None = None
    """Which request of an answer with tools this is, from 1; only labels the ledger's row, as ``tool`` does."""
    tool: str | None = None
    """The tools whose results it takes along."""
    cache: bool | None = None
    """Whether the prompt is to be marked for the provider's cache; None leaves it to the protocol's custom."""
    batch: bool = False
    """Whether it is handed in with others as a batch, which costs what batches cost."""
    continues: bool = False
    """Whether the last message is the beginning of the very answer that is asked for, to be gone on with."""

    @property
    def may_search(self) -> bool:
        """Whether the provider may search the web for it, which has a price of its own."""
        return bool(self.params.web) or any("search" in tool.kind.lower() for tool in self.hosted)

    @property
    def has_images(self) -> bool:
        """Whether a model must be able to see."""
        return any(message.images for message in self.messages)
