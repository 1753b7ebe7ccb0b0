"""The tree of errors.  Each says what was wrong and what to do; what the router does about it is a field of it.

    RoutertermError                     one clear sentence, and a hint
    ├── ProviderError                   one attempt at one provider failed
    │   ├── ContextTooLong              the prompt does not fit: a larger model
    │   ├── BadRequest                  the request is wrong, says one provider: next candidate, until a second agrees
    │   ├── UnsupportedRequest          this model or server lacks what it takes: next candidate
    │   ├── RequestTooLarge             larger than the account's rate: another model, no wait helps
    │   ├── AccessDenied                refused for the place or the network, not for the key
    │   ├── InvalidKey                  key refused: next key
    │   ├── InsufficientCredit          key unpaid: next key, never retried
    │   │   └── PartialCredit           it can pay for a shorter answer: the same model, with fewer tokens
    │   ├── ModelNotFound               unknown or switched off: next candidate
    │   ├── ModelForbidden              not for this key: next key, which is well for every other model
    │   ├── ContentBlocked              refused by a filter: the same
    │   ├── RateLimited                 too fast: wait, cool the key
    │   ├── ServerError                 5xx and the like: once more, then the next
    │   ├── ModelLoading                still loading: wait
    │   ├── ResponseTimeout             no byte in time: never asked again, it may bill twice
    │   ├── Unreachable                 refused, no name, no route: next candidate
    │   ├── EmptyAnswer                 it ended without a word: next candidate
    │   ├── InvalidResponse             not the protocol's language
    │   └── StreamInterrupted           the answer was cut off
    │       └── AnswerTooLong           it was ended by us: no retry
    ├── Offline                         nothing at all can be reached
    ├── DeadlineExceeded                the whole request took too long
    ├── NoCandidate                     no model can serve this request
    │   ├── UnknownModel                nothing answers to the name
    │   ├── MissingCapability           no model of that name can do what is asked
    │   ├── CoolingDown                 every key waits: it may be asked again later
    │   ├── CircuitOpen                 every model failed too often, and is left alone for a while
    │   └── NoKey                       for want of a key
    │       └── KeyRejected             there are keys, and their provider refuses them
    ├── Refused                         before any money was spent
    │   ├── OverBudget
    │   └── GuardBlocked
    ├── NotNow                          there is nothing to do it with, or not yet: nothing failed
    ├── SettingsError                   config.toml, the environment, a flag
    ├── StoreError                      the history database
    └── VaultError                      a place where keys are kept

A message never holds a key, a prompt or an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct


class RecoveryPolicy(Struct, frozen=True):
    """What the router may do about a class of failure (PROTOCOLS: classes of failure)."""

    retry: bool = False
    """Worth another try on the same target."""
    next_key: bool = False
    """Another key of the same provider may do better."""
    next_candidate: bool = False
    """Another model may do better."""
    larger_context: bool = False
    """Only a candidate with a larger context may do better."""
    cool_key: bool = False
    """The key rests for a while."""
    drop_key: bool = False
    """The key is out until the person acts."""
    counts: bool = False
    """Charged to the model's circuit breaker."""


class RoutertermError(Exception):
    """A sentence for a person, and a hint what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotNow(RoutertermError):
    """It cannot be done as things are: there is nothing to do it with, or something runs still; nothing failed."""


class ProviderError(RoutertermError):
    """One attempt failed.  Waits are seconds; ``retry_after`` is a floor, never to be clipped down."""

    kind: ClassVar[str] = "error"
    recovery: ClassVar[RecoveryPolicy] = RecoveryPolicy()

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        daily: bool = False,
        provider: str | None = None,
        model: str | None = None,
        key_label: str | None = None,
        affordable: int | None = None,
        account: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        """The HTTP status, where there was one."""
        self.code = code
        """The provider's own word for it."""
        self.retry_after = retry_after
        self.daily = daily
        """Whether a daily quota ran out, rather than one per minute."""
        self.provider = provider
        self.model = model
        self.key_label = key_label
        self.affordable = affordable
        """The most tokens of an answer that the account can still pay for, where the provider says so (a 402)."""
        self.account = account
        """Whether a limit is said to be the account's or the key's, rather than one model's."""


class ContextTooLong(ProviderError):
    """The prompt does not fit the model's window."""

    kind = "context_too_long"
    recovery = RecoveryPolicy(next_candidate=True, larger_context=True)


class BadRequest(ProviderError):
    """The provider finds the request itself wrong."""

    kind = "caller_fault"
    recovery = RecoveryPolicy(next_candidate=True)


class UnsupportedRequest(ProviderError):
    """This model or server lacks what the request takes: tools, pictures, a parameter, memory, a chat template.

    The same request fails there every time, another model may take it, and a plain question may still be served.
    """

    kind = "unsupported"
    recovery = RecoveryPolicy(next_candidate=True)


class RequestTooLarge(ProviderError):
    """One request is larger than what the account may send in a whole window: no wait makes it fit."""

    kind = "too_large"
    recovery = RecoveryPolicy(next_candidate=True)


class AccessDenied(ProviderError):
    """Refused for the country, the network or a firewall's challenge: the key itself is not at fault."""

    kind = "access_denied"
    recovery = RecoveryPolicy(next_candidate=True)


class InvalidKey(ProviderError):
    """The key is refused, or has no access."""

    kind = "bad_credential"
    recovery = RecoveryPolicy(next_key=True, next_candidate=True, drop_key=True)


class InsufficientCredit(ProviderError):
    """The account behind the key is not paid."""

    kind = "out_of_credit"
    recovery = RecoveryPolicy(next_key=True, next_candidate=True, drop_key=True)


class PartialCredit(InsufficientCredit):
    """The account can pay for a shorter answer than the one asked for; ``affordable`` says how long."""

    recovery = RecoveryPolicy(next_key=True, next_candidate=True)


class ModelNotFound(ProviderError):
    """The provider does not (or no longer) have the model."""

    kind = "model_gone"
    recovery = RecoveryPolicy(next_candidate=True)


class ModelForbidden(ProviderError):
    """The key may not use this model; it may use others, and another key may use this one."""

    kind = "model_forbidden"
    recovery = RecoveryPolicy(next_key=True, next_candidate=True)


class ContentBlocked(ProviderError):
    """A filter refused the prompt or the answer."""

    kind = "content_blocked"
    recovery = RecoveryPolicy(next_candidate=True)


class RateLimited(ProviderError):
    """Too many requests or tokens for this key."""

    kind = "rate_limited"
    recovery = RecoveryPolicy(retry=True, next_key=True, next_candidate=True, cool_key=True)


class ServerError(ProviderError):
    """The provider is in trouble of its own."""

    kind = "transient"
    recovery = RecoveryPolicy(retry=True, next_candidate=True, counts=True)


class ModelLoading(ProviderError):
    """The server is still loading the model."""

    kind = "warming"
    recovery = RecoveryPolicy(retry=True, next_candidate=True)


class ResponseTimeout(ProviderError):
    """Nothing came in time."""

    kind = "silent"
    recovery = RecoveryPolicy(next_candidate=True, counts=True)


class Unreachable(ProviderError):
    """No connection could be made."""

    kind = "unreachable"
    recovery = RecoveryPolicy(retry=True, next_candidate=True, counts=True)


class EmptyAnswer(ProviderError):
    """The provider ended the answer without any content: ``code`` is its own word for the end."""

    kind = "empty"
    recovery = RecoveryPolicy(next_candidate=True, counts=True)


class InvalidResponse(ProviderError):
    """What came is not the protocol's language."""

    kind = "malformed"
    recovery = RecoveryPolicy(next_candidate=True, counts=True)


class StreamInterrupted(ProviderError):
    """The answer broke off before its end was seen."""

    kind = "cut"
    recovery = RecoveryPolicy(next_candidate=True, counts=True)


class AnswerTooLong(StreamInterrupted):
    """The answer was longer than any can be, and was ended by us: what came is kept, and nobody else is asked."""

    recovery = RecoveryPolicy()


class Offline(RoutertermError):
    """No provider can be reached at all."""


class DeadlineExceeded(RoutertermError):
    """The time for the whole request is over."""


class NoCandidate(RoutertermError):
    """No model can serve this request."""

    exit_code = 4


class UnknownModel(NoCandidate):
    """Nothing answers to the name; ``nearest`` is a name that something answers to, where one is like it."""

    def __init__(self, message: str, hint: str = "", *, nearest: str = "") -> None:
        super().__init__(message, hint)
        self.nearest = nearest


class MissingCapability(NoCandidate):
    """No model that the name means can do what the request wants: see pictures, call tools, hold so long a prompt."""


class _Later(NoCandidate):
    """It may be asked again after ``retry_after`` seconds."""

    def __init__(self, message: str, hint: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class CoolingDown(_Later):
    """Every key that could be used waits for its provider's limits."""


class CircuitOpen(_Later):
    """Every model that could be asked failed too often, and is left alone for a while."""


class NoKey(NoCandidate):
    """Every model that could serve it wants a key that is not there."""


class KeyRejected(NoKey):
    """There are keys, and their providers refuse them until the person acts."""


class Refused(RoutertermError):
    """Refused before anything was sent: it cost nothing."""

    exit_code = 3


class OverBudget(Refused):
    """It would break a cap."""


class GuardBlocked(Refused):
    """A guard rule forbids it."""


class SettingsError(RoutertermError):
    """Something in the settings is wrong."""

    exit_code = 2


class StoreError(RoutertermError):
    """The history could not be read or written."""


class VaultError(RoutertermError):
    """A place where keys live could not be used."""

    exit_code = 4


def provider_errors() -> Iterator[type[ProviderError]]:
    """Every class of provider failure, for tables and tests."""
    yield from ProviderError.__subclasses__()
