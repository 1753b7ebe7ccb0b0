"""What a request may be at most, whatever its protocol: its model's name, its messages, its numbers."""

from __future__ import annotations

from routerterm.core.errors import BadRequest
from routerterm.core.request import ChatRequest

LONGEST_NAME = 256
"""Letters of a model's name: it becomes part of addresses, headers, labels and log lines."""
MOST_MESSAGES = 10_000
MOST_TOOLS = 1_000
_NEVER = ("..", ".")


def check_request(request: ChatRequest) -> None:
    """Raises `BadRequest` for a request that is beyond what can be served."""
    check_model(request.model)
    if len(request.messages) > MOST_MESSAGES:
        raise BadRequest(
            f"A request may have at most {MOST_MESSAGES:,} messages; this one has {len(request.messages):,}."
        )
    if len(request.tools) > MOST_TOOLS:
        raise BadRequest(f"A request may have at most {MOST_TOOLS:,} tools; this one has {len(request.tools):,}.")
    if request.params.max_output is not None and request.params.max_output < 1:
        raise BadRequest("The maximum output tokens must be at least 1.")


def check_model(name: str) -> None:
    """Raises `BadRequest` for a name that no model has.

    It goes into addresses upstream, where servers fold ``..`` away: a key for one model would reach another.
    """
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"A model's name may have at most {LONGEST_NAME} characters.")
    if not name.isprintable() or any(letter in name for letter in "\\?#%"):
        raise BadRequest("The model's name has invalid characters.")
    if any(step in _NEVER for step in name.split("/")):
        raise BadRequest("The model's name must not contain the path steps `.` or `..`.")
