"""Finds things by their shape: keys, private keys, addresses, phone numbers, cards, bank accounts.

Every pattern here is ours and takes time linear in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.wrapped import find_joined
from routerterm.router.guard.rules import DetectorName, Span

_API_KEY = LazyPattern(
    r"(?<![A-Za-z0-9_-])(?:"
    r"sk-[A-Za-z0-9_-]{20,200}"  # OpenAI, Anthropic, DeepSeek, OpenRouter and their kin
    r"|AIza[A-Za-z0-9_-]{35}"  # Google
    r"|(?:gsk|xai|pplx|hf|r8|nvapi|csk|fw|tgp_v1|glpat|npm|pypi|dckr_pat|sbp|lin_api|shpat)[-_][A-Za-z0-9_-]{20,200}"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # Amazon
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}"  # Slack
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}"  # Stripe
    r"|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"  # SendGrid
    r"|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"  # a signed web token
    r")(?![A-Za-z0-9])"
)
_KEY_BEGINNINGS = (
    *("sk-", "AIza", "gsk", "xai", "pplx", "hf", "r8", "nvapi", "csk", "fw", "tgp_", "glpat", "npm", "pypi", "dckr_"),
    *("sbp", "lin_", "shpat", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_", "AKIA", "ASIA", "xox", "sk_", "rk_"),
    *("SG.", "eyJ"),
)
"""What a key of ``_API_KEY`` begins with."""
_PRIVATE_KEY = LazyPattern(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s:,.\\-]{0,20000}?-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_URL_PASSWORD = LazyPattern(r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@\"'<>]{0,100}:([^\s/@\"'<>$*{}]{3,200})(?=@)")
_EMAIL = LazyPattern(
    r"(?<![\w.+%-])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_PHONE = LazyPattern(
    r"(?<![\w.+/-])(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,14}(?![\w-])|(?<![\w.+/-])\(\d{2,4}\)(?:[ ./-]?\d){6,9}(?!\w)"
)
_CARD = LazyPattern(r"(?<![\w.-])[2-6]\d(?:[ -]?\d){11,17}(?![\w-])")
_IBAN = LazyPattern(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")


def luhn(number: str) -> bool:
    """Whether the digits of a card number are in order (ISO/IEC 7812)."""
    digits = [int(letter) for letter in number if letter.isdigit()]
    doubled = (digit if index % 2 == 0 else digit * 2 - 9 * (digit > 4) for index, digit in enumerate(reversed(digits)))
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0 and len(set(digits)) > 1


def is_iban(account: str) -> bool:
    """Whether the check digits of an account number are right (ISO 13616)."""
    plain = account.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


_DETECTORS: Mapping[DetectorName, tuple[LazyPattern, Callable[[str], bool]]] = {
    "api_key": (_API_KEY, bool),
    "private_key": (_PRIVATE_KEY, bool),
    "email": (_EMAIL, bool),
    "phone": (_PHONE, bool),
    "card": (_CARD, luhn),
    "iban": (_IBAN, is_iban),
}


def may_begin_key(word: str) -> bool:
    """Whether an unfinished word may still become an API key, a key after punctuation, or a password in an address."""
    return not word.isalpha() or any(word.startswith(known) or known.startswith(word) for known in _KEY_BEGINNINGS)


def detect(name: DetectorName, text: str) -> Iterator[Span]:
    """Where in a text such things stand."""
    pattern, holds = _DETECTORS[name]
    if name == "api_key":
        for start, end, _ in find_joined(pattern, text):
            yield Span(start, end)
        for match in _URL_PASSWORD.finditer(text):
            yield Span(*match.span(1))
    for match in pattern.finditer(text):
        if holds(match[0]):
            yield Span(match.start(), match.end())
        elif name == "iban":
            yield from _shorter_iban(text, match.start(), match.end())


def _shorter_iban(text: str, start: int, end: int) -> Iterator[Span]:
    """An account number is followed by words in capitals: try it without them."""
    while (end := text.rfind(" ", start, end)) > start:
        if is_iban(text[start:end]):
            yield Span(start, end)
            return
