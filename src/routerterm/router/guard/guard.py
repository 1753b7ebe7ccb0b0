"""Holds a request against the person's rules before anything leaves the machine: the router's `Guard`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import GuardBlocked
from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.redact import secret_redactor
from routerterm.core.request import ChatRequest
from routerterm.router.guard.answer_guard import AnswerGuard
from routerterm.router.guard.inspect import Inspector, Match
from routerterm.router.guard.json_text import change_json, escaped
from routerterm.router.guard.matching import compiled
from routerterm.router.guard.redact import Placeholders
from routerterm.router.guard.rules import GuardRules, Hit, OnHit
from routerterm.router.ports import Guarded, Restorer


def _unheard(hit: Hit) -> None:
    """Nobody wants to know."""


class Passed(Struct, frozen=True):
    """A request that may leave, with what it takes to restore its answer."""

    request: ChatRequest
    rules: GuardRules
    placeholders: Placeholders
    on_hit: OnHit

    @property
    def redacted(self) -> Mapping[str, str]:
        """What each placeholder in the request stands for."""
        return self.placeholders.things

    def restorer(self, *, within_json: bool = False) -> Restorer | None:
        """A fresh one for each answer; None where there is nothing to restore and nothing to look for."""
        watches = self.rules.detectors or any("assistant" in rule.roles for rule in self.rules.rules)
        if not self.placeholders and not watches and not secret_redactor.known:
            return None
        conversation = self.request.conversation_id

        def struck(match: Match) -> None:
            self.on_hit(hit_of(match, "assistant", conversation))

        things = self.placeholders.things
        if within_json:
            things = {placeholder: escaped(thing) for placeholder, thing in things.items()}
        return AnswerGuard(self.rules, things, struck)


class PersonalGuard:
    """The person's rules.  Raises `SettingsError` where one of them cannot be understood."""

    def __init__(self, rules: GuardRules, on_hit: OnHit = _unheard) -> None:
        self._rules = rules
        self._on_hit = on_hit
        for rule in rules.rules:
            if rule.regex is not None:
                compiled(rule)

    def rehearse(self, request: ChatRequest) -> Guarded:
        """The same as `check`; what is found is told to nobody."""
        return self._checked(request, _unheard)

    def check(self, request: ChatRequest) -> Guarded:
        """The request as it may leave.  Raises `GuardBlocked`, naming the rule and not what it found.

        All of the history is looked at, since all of it leaves again; hits are told of what is new in it.
        """
        return self._checked(request, self._on_hit)

    def _checked(self, request: ChatRequest, on_hit: OnHit) -> Passed:
        look = _RequestScanner(self._rules, on_hit, request)
        last = max((i for i, message in enumerate(request.messages) if message.role == "assistant"), default=-1)
        system = look.through(request.system or "", "system", new=last < 0)
        messages = [look.through_message(message, new=n > last) for n, message in enumerate(request.messages)]
        if look.placeholders:
            known = tuple(_mapped(message, look.placeholders.take_known) for message in messages)
            system = look.placeholders.take_known(system)
            request = replace(request, system=system or request.system, messages=known)
        return Passed(request, self._rules, look.placeholders, on_hit)


class _RequestScanner:
    """One look through a request."""

    def __init__(self, rules: GuardRules, on_hit: OnHit, request: ChatRequest) -> None:
        self._all = Inspector(rules)
        self._shapes = Inspector(GuardRules(detectors=rules.detectors))
        self._on_hit = on_hit
        self._conversation = request.conversation_id
        self.placeholders = Placeholders("\n".join(_texts(request)))

    def through_message(self, message: Message, *, new: bool) -> Message:
        """A message with what must not leave taken out."""
        return _mapped(message, lambda text: self.through(text, message.role, new=new))

    def through(self, text: str, role: Role, *, new: bool) -> str:
        """One text with what must not leave taken out.  In an assistant's earlier words only shapes are looked for."""
        if not text:
            return text
        inspector = self._shapes if role == "assistant" else self._all
        matches = inspector.inspect(role, text)
        for match in matches:
            if new:
                self._on_hit(hit_of(match, role, self._conversation))
            if match.action == "block" and role != "assistant":
                raise _blocked(match)
            if match.action == "redact" and match.timed_out:
                raise _blocked(match)
        if any(match.action == "redact" for match in matches):
            for name, detector in inspector.redactions(role):
                text = self.placeholders.take(text, inspector.spans(detector, text), name)
        return text


def _blocked(match: Match) -> GuardBlocked:
    if match.timed_out:
        return GuardBlocked(
            f"The guard rule {match.rule!r} timed out on this text; nothing was sent.",
            "Simplify its regex under [guard] in the settings.",
        )
    return GuardBlocked(
        f"The guard rule {match.rule!r} blocks this; nothing was sent.",
        "Change the text, or the rule under [guard] in the settings.",
    )


def hit_of(match: Match, role: Role, conversation_id: str | None) -> Hit:
    """A match for the record, without what it found."""
    return Hit(
        match.rule,
        match.action,
        role,
        count=len(match.spans),
        timed_out=match.timed_out,
        conversation_id=conversation_id,
    )


def _mapped(message: Message, change: Callable[[str], str]) -> Message:
    """A message with its texts changed.  Sealed thinking is left as it is: its provider has seen it already."""
    return Message(message.role, tuple(_part(part, change) for part in message.parts))


def _part(part: Part, change: Callable[[str], str]) -> Part:
    match part:
        case Text(text):
            return replace(part, text=change(text))
        case ToolResult(text=text):
            return replace(part, text=change(text))
        case ToolCall(arguments=arguments):
            return replace(part, arguments=change_json(arguments, change))
        case Reasoning(text, signature):
            return part if signature else replace(part, text=change(text))
        case Image():
            return part
        case _:
            assert_never(part)


def _texts(request: ChatRequest) -> Iterator[str]:
    """Every text of a request."""
    yield request.system or ""
    for message in request.messages:
        for part in message.parts:
            match part:
                case Text(text) | ToolResult(text=text) | ToolCall(arguments=text) | Reasoning(text):
                    yield text
                case Image():
                    pass
                case _:
                    assert_never(part)
