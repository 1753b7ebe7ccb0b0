"""Takes things out of a question and puts them back into the answer.

A thing becomes a placeholder such as ``[EMAIL_1]``, the same for the same thing throughout a conversation, numbered
as they first appear: so the prompt stays the same from turn to turn, and providers' caches warm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.router.guard.json_text import escaped
from routerterm.router.guard.rules import Span

_PLACEHOLDER = LazyPattern(r"\[[A-Z][A-Z0-9_]{0,30}_\d{1,6}\]")
_LONGEST = 40
"""Characters of a placeholder, brackets included."""


class Placeholders:
    """The things taken out of one request.  ``taken`` is all text of the request: no placeholder of ours is in it."""

    def __init__(self, taken: str = "") -> None:
        self._used = set(_PLACEHOLDER.findall(taken))
        self._by_thing: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._by_thing)

    @property
    def things(self) -> dict[str, str]:
        """What each placeholder stands for."""
        return {placeholder: thing for thing, placeholder in self._by_thing.items()}

    def take(self, text: str, spans: Iterable[Span], kind: str) -> str:
        """The text with these stretches taken out."""
        pieces, at = [], 0
        for span in merged(spans):
            pieces += [text[at : span.start], self._placeholder(text[span.start : span.end], kind)]
            at = span.end
        return "".join([*pieces, text[at:]])

    def take_known(self, text: str) -> str:
        """The text without what was taken out elsewhere: an earlier answer repeats it, restored."""
        for thing in sorted(self._by_thing, key=len, reverse=True):
            for form in {thing, escaped(thing)}:  # a tool's answer is often JSON
                text = text.replace(form, self._by_thing[thing])
        return text

    def _placeholder(self, thing: str, kind: str) -> str:
        if thing not in self._by_thing:
            name = re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_")[:30] or "HIDDEN"
            name = name if name[0].isalpha() else f"R_{name}"[:30]
            while True:
                self._counts[name] = self._counts.get(name, 0) + 1
                placeholder = f"[{name}_{self._counts[name]}]"
                if placeholder not in self._used:
                    break
            self._by_thing[thing] = placeholder
        return self._by_thing[thing]


class Restoring:
    """Puts things back into an answer, however it is cut into pieces; never into an address.

    What stands in a link, a picture or an address acts: one click, or none, would send the thing to whoever the model
    chose.  There the placeholder stays.
    """

    def __init__(self, things: dict[str, str]) -> None:
        self._things = things
        self._held = ""
        self._before = ""

    def feed(self, text: str) -> str:
        """The text that is certain so far: what may become a placeholder is held back."""
        text = self._held + text
        start = text.rfind("[", max(0, len(text) - _LONGEST))
        if start >= 0 and self._may_become(text[start:]):
            self._held, text = text[start:], text[:start]
        else:
            self._held = ""
        return self._restored(text)

    def end(self) -> str:
        """What was held back."""
        text, self._held = self._held, ""
        return self._restored(text)

    def _may_become(self, beginning: str) -> bool:
        """Whether a placeholder may begin so, or is there but not yet the letters after it, which tell its place."""
        return any(
            placeholder.startswith(beginning)
            or (beginning.startswith(placeholder) and len(beginning) < len(placeholder) + _LOOK_AHEAD)
            for placeholder in self._things
        )

    def _restored(self, text: str) -> str:
        seen = self._before + text
        shift = len(self._before)
        self._before = seen[-_CONTEXT:]
        if "[" not in text:
            return text

        def restored(match: re.Match[str]) -> str:
            thing = self._things.get(match[0])
            if thing is None or acts(seen[: shift + match.start()], text[match.end() :]):
                return match[0]
            return thing

        return _PLACEHOLDER.sub(restored, text)


_LOOK_AHEAD = 2
"""Letters after a placeholder that tell whether it is the beginning of a host's name."""
_CONTEXT = 4_000
"""Letters before a placeholder that tell whether it stands in an address."""
_ADDRESS = LazyPattern(
    r"(?i)(?:://|(?:^|[^a-z0-9])(?:www\.|(?:mailto|tel|data|javascript|file):|//)|[a-z0-9-]\.[a-z]{2,24}[/?#:])\S*\Z"
)
_DEFINITION = LazyPattern(r"(?:^|\n) {0,3}\[[^\]\n]*\]:[ \t]*\n?[ \t]*\S*\Z")
_TAG = LazyPattern(r"<[A-Za-z/!?][^<>]*\Z")
_HOST = LazyPattern(r"[.@-]?[A-Za-z0-9-]*[.@][A-Za-z0-9]")


def acts(before: str, after: str) -> bool:
    """Whether what stands between these is a part of an address: of a link, a picture, a tag, or a bare one."""
    paragraph = before[before.rfind("\n\n") + 1 :][-_CONTEXT:]
    if _ADDRESS.search(paragraph) or _DEFINITION.search(paragraph) or _TAG.search(paragraph):
        return True
    opened = paragraph.rfind("](")
    if opened >= 0:
        depth = 1
        for letter in paragraph[opened + 2 :]:
            depth += (letter == "(") - (letter == ")" and depth > 0)
            if depth == 0:
                break
        if depth:
            return True
    return _HOST.match(after[:_CONTEXT]) is not None


FREE = 2
"""Letters of what may become a secret that are said all the same: so short a beginning tells nothing."""


class Masking:
    """Masks the program's own secrets in an answer, however it is cut: a provider may say back the key that it got."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._pattern = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True)))) if known else None
        self._longest = max(map(len, known), default=0)
        self._held = ""
        """The end of the text that may be the beginning of a secret."""
        self._said = 0
        """How many letters of what is held were said already."""

    def feed(self, text: str) -> str:
        """The text that is certain so far: what may be the beginning of a secret is held back."""
        if self._pattern is None:
            return text
        text, at, past = self._held + text, self._said, 0
        said = ""
        for found in self._pattern.finditer(text):
            shown = self._known[found[0]]
            # Of what was said already nothing is said again; a mask that begins otherwise loses its beginning.
            begun = text[found.start() : at]
            said += text[at : found.start()] + (shown.removeprefix(begun) if shown.startswith(begun) else "****")
            at = past = found.end()
        first = max(past, len(text) - self._longest + 1)
        start = next((n for n in range(first, len(text)) if self._may_begin(text[n:])), len(text))
        cut = max(at, min(start + FREE, len(text)))
        self._held, self._said = text[start:], cut - start if start < len(text) else 0
        return said + text[at:cut]

    def end(self) -> str:
        """What was held back."""
        text, self._held, self._said = self._held[self._said :], "", 0
        return text

    def _may_begin(self, text: str) -> bool:
        return any(secret.startswith(text) for secret in self._known)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Stretches in order, those that touch or overlap made one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start < found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
