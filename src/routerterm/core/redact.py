"""Takes keys out of any text: every secret that was loaded, and whatever has the shape of a common key.

For logs, errors, tracebacks, exports and the crash report.  A key becomes ``sk-****1234``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Container, Mapping
from urllib.parse import quote

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.secret import mask
from routerterm.core.wrapped import find_joined

# Public prefixes of common keys, each with what may follow.  Lengths are the shortest seen, so that prose
# such as "sk-learn" or "AIza" alone stays as it is.
_SHAPES = (
    r"sk-(?:ant|or|proj|svcacct|admin|lf|litellm)-[A-Za-z0-9_-]{16,}",
    r"sk-[A-Za-z0-9]{20,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",
    r"gsk_[A-Za-z0-9]{20,}",
    r"xai-[A-Za-z0-9]{20,}",
    r"pplx-[A-Za-z0-9]{20,}",
    r"fw_[A-Za-z0-9]{20,}",
    r"csk-[A-Za-z0-9]{20,}",
    r"nvapi-[A-Za-z0-9_-]{20,}",
    r"hf_[A-Za-z0-9]{20,}",
    r"r8_[A-Za-z0-9]{20,}",
    r"tgp_v1_[A-Za-z0-9_-]{20,}",
    r"AIza[A-Za-z0-9_-]{30,}",
    r"AQ\.[A-Za-z0-9_-]{30,}",
    r"gh[pousr]_[A-Za-z0-9]{30,}",
    r"github_pat_[A-Za-z0-9_]{30,}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"xox[abprs]-[A-Za-z0-9-]{20,}",
    r"A(?:KIA|SIA)[A-Z0-9]{16}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
)
_SECRET_NAMES = ("_API_KEY", "_API_TOKEN", "_AUTH_TOKEN", "_ACCESS_TOKEN", "_SECRET_KEY")
_OURS = LazyPattern(r"^ROUTERTERM_(?!HOME$)|_API_(?:KEYS?|TOKEN)$", re.IGNORECASE)
"""Variables that hold the program's own secrets, the keys of providers among them."""
_ANY_SECRET = LazyPattern(r"(?:KEY|TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIALS?)S?$", re.IGNORECASE)
_URL_PASSWORD = LazyPattern(
    r"(?i)\b([a-z][a-z0-9+.-]{1,30}://[^\s/:@\"'<>]{0,100}:)([^\s/@\"'<>$*{}]{3,200})(?=@)",
    needs=("@",),
)
_BEARER = LazyPattern(r"(?i)\b(bearer\s+|(?:x-)?(?:goog-)?api[-_]?key[\"']?\s*[:=]\s*[\"']?)([A-Za-z0-9._~+/=-]{16,})")
_PRIVATE_KEY = LazyPattern(
    r"(?s)-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)",
    needs=("-----BEGIN",),
)
_SHAPE = LazyPattern(r"(?<![A-Za-z0-9_-])(?:" + "|".join(_SHAPES) + ")")
"""Keys by their shape."""


class Redactor:
    """Knows secrets and shapes; called with a text, it gives the text without them."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: str) -> None:
        """Never let this through again, nor the forms it takes in JSON, a URL or base64.

        What is too short to be a key (under 8 characters), or one plain word such as ``ollama``, would
        only blacken innocent text and is not learned.
        """
        if len(value) < 8 or (len(value) < 16 and value.isalpha()) or value in self._known:
            return
        shown = mask(value)
        for form in _forms(value):
            self._known.setdefault(form, shown)
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def learn_environment(self, environ: Mapping[str, str], named: Container[str] = ()) -> None:
        """Learn what the variables hold that are named as keys are, or are ``named``."""
        for variable, value in environ.items():
            if variable.upper().endswith(_SECRET_NAMES) or variable in named:
                self.learn(value.strip())

    def knows(self, text: str) -> bool:
        """Whether a learned secret is in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def __call__(self, text: str) -> str:
        """The text with every known secret and everything of a key's shape masked."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._known[found[0]], text)
        text = _PRIVATE_KEY.sub(lambda found: f"-----BEGIN {found[1]}----- ****", text)
        for start, end, found in reversed(list(find_joined(_SHAPE, text))):
            text = text[:start] + mask(found[0]) + text[end:]
        text = _SHAPE.sub(lambda found: mask(found[0]), text)
        text = _URL_PASSWORD.sub(lambda found: found[1] + "****", text)
        return _BEARER.sub(lambda found: found[1] + mask(found[2]), text)

    @property
    def known(self) -> Mapping[str, str]:
        """Every form of the secrets that were loaded, with what is shown in its place."""
        return self._known

    def clean_environment(self, environ: Mapping[str, str], *, tool: bool = False) -> dict[str, str]:
        """What a child process inherits: this is the one list.

        Nothing of ours: no key of a provider, no token of the gateway, no value that we know as a secret.  A ``tool``
        of the person's own, such as one that fetches a key, needs its other secrets; any other child gets none.
        """
        return {
            name: value
            for name, value in environ.items()
            if not (_OURS.search(name) or self.knows(value)) and (tool or not _ANY_SECRET.search(name))
        }


secret_redactor = Redactor()
"""The one that all rooms share: whoever loads a secret teaches it, whoever writes a text asks it."""


def _forms(value: str) -> set[str]:
    """The secret as it may stand in a text."""
    import json

    return {
        value,
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("="),
    }
