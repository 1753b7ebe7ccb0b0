"""The last line of a text that is still coming, as it is likely to go on.

Markup that has begun and not ended would show as signs that vanish a moment later: bold text as ``**bold``, a link
as its raw address.  What is opened is closed for as long as it is awaited; what is final never depends on this.
"""

from __future__ import annotations

import re

_TICKS = re.compile(r"`+")
_LINK = re.compile(r"!?\[([^\[\]]*)(?:\](?:\([^()\s]*)?)?$")
_STARS = re.compile(r"(?<![\\*])\*\*(?!\*)")
_END = re.compile(r"(?:[*_~]{1,3}|`{1,2}|!?\[|\\)$")
_STAR = re.compile(r"(?<![\\*\w])\*(?=[^\s*])[^*]*$")


def hold_back(line: str) -> str:
    """The line with what is open in it closed."""
    line = _END.sub("", line)
    ticks: list[str] = _TICKS.findall(line)
    if len(ticks) % 2 and len(ticks[-1]) < 3:
        return line + ticks[-1]
    link = _LINK.search(line)
    if link is not None and not line.startswith(("[", "- [", "* [")):
        line = line[: link.start()] + link[1]
    if len(_STARS.findall(line)) % 2:
        return line.rstrip() + "**"
    return line.rstrip() + "*" if _STAR.search(_STARS.sub("", line)) else line
