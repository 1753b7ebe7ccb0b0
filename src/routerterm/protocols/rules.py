"""What speaks for which class of failure: a table, tried from the top; the first rule that fits names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routerterm.core.errors import (
    BadCredential,
    CallerFault,
    ContentBlocked,
    ContextTooLong,
    ModelGone,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Transient,
    Warming,
)
from routerterm.protocols.failure import Failure


@dataclass(frozen=True, slots=True)
class Rule:
    """One class of failure and what speaks for it: a status, a code, a phrase.  Any of them is enough."""

    error: type[ProviderError]
    statuses: frozenset[int] = frozenset()
    codes: re.Pattern[str] | None = None
    """Fits a whole code, in lower case with underscores."""
    phrases: re.Pattern[str] | None = None
    """Fits anywhere in the message."""
    not_at: frozenset[int] = frozenset()
    """Statuses that say too clearly what they mean for a phrase to count."""

    def fits(self, failure: Failure) -> bool:
        """Whether this rule names the failure."""
        if failure.status in self.statuses:
            return True
        if self.codes and any(self.codes.fullmatch(code) for code in failure.codes):
            return True
        spoken = self.phrases is not None and failure.status not in self.not_at
        return spoken and self.phrases is not None and self.phrases.search(failure.message) is not None


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CLEAR = frozenset({401, 402, 403, 404, 429, 498, 529})

RULES: tuple[Rule, ...] = (
    Rule(
        ContextTooLong,
        frozenset({413}),
        _any(
            "context_length_exceeded",
            "exceed_context_size_error",
            "too_many_(prompt_)?tokens",
            "context_window.*",
            "model_max_prompt_tokens_exceeded",
            "request_too_large",
            "string_above_max_length",
            "prompt_too_long",
        ),
        _any(
            r"prompt (is )?too long",
            r"maximum context length",
            r"context window",
            r"context[ _]length",
            r"exceeds? the (available )?context",
            r"too many tokens",
            r"token count .{0,40}exceeds",
            r"input is too long",
            r"length of (all|the) messages .{0,40}too long",
            r"reduce the length of the (messages|prompt|input)",
            r"too large for model with \d+ maximum",
            r"exceeds? the (model'?s )?max(imum)? (context|input|prompt)",
            r"range of input length",
            r"max_prompt_tokens",
        ),
        _CLEAR,
    ),
    Rule(
        OutOfCredit,
        frozenset({402}),
        _any(
            "insufficient_(quota|balance|credits?|funds)",
            "billing_.*",
            "exceeded_current_quota_error",
            "arrearage",
            "payment_required",
            "(spend|spending|budget|credit|organi[sz]ation|monthly|usage|hard)_.*limit_(exceeded|reached)",
            "(spend|budget|credit)_limit_(exceeded|reached)",
            "1113",
        ),
        _any(
            r"credit balance",
            r"(insufficient|out of|not enough|no) (account )?(balance|credits?|funds)\b",
            r"(used all|exhausted) .{0,40}credits?",
            r"spending limit",
            r"exceeded your monthly .{0,20}credits?",
            r"payment required",
            r"account .{0,40}(suspended|overdue|arrears)",
        ),
    ),
    Rule(
        ContentBlocked,
        codes=_any(
            "content_filter(ed)?",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "moderation_.*",
            "data_inspection_failed",
            "content_moderation.*",
            "invalid_prompt",
            "prohibited_content",
            "1301",
            "content_blocked",
            "safety.*",
            "unsafe_.*",
            "refusal",
        ),
        phrases=_any(
            r"content management policy",
            r"content policy",
            r"safety system",
            r"flagged (by|as|for|input)",
            r"(requires|failed) moderation",
            r"usage polic(y|ies)",
            r"inappropriate content",
        ),
        not_at=frozenset({401, 402, 404, 429}),
    ),
    Rule(
        ModelGone,
        frozenset({404, 410}),
        _any(
            "model_(not_found|decommissioned|not_active|not_available|deprecated|removed|not_supported|is_deactivated)",
            "invalid_model(_error)?",
            "unknown_model",
            "not_found_error",
            "deploymentnotfound",
            "unsupported_model",
        ),
        _any(
            r"no (allowed |available )?(endpoints?|providers?|channels?) (found|available)",
            r"model.{0,120}? (was |is |has been )?"
            r"(not found|does not exist|not exist|decommissioned|deprecated|removed|discontinued|retired|no longer)",
            r"not a valid model",
            r"(invalid|unknown|unrecognized|no such) model\b",
            r"model .{0,80}is not (available|supported)\b",
        ),
        frozenset({401, 402, 403, 429}),
    ),
    Rule(
        BadCredential,
        frozenset({401, 403}),
        _any(
            "invalid_api_key",
            "incorrect_api_key",
            "api_key_.*",
            "authentication_error",
            "unauthorized",
            "unauthenticated",
            "permission_(denied|error)",
            "invalid_authentication(_error)?",
            "forbidden",
            "account_deactivated",
            "access_denied",
            "unsupported_country_region_territory",
            "organization_restricted",
        ),
        _any(
            r"(invalid|incorrect|expired|missing|malformed|wrong|bad|revoked|leaked|no) "
            r".{0,20}(api|access|auth\w*)[ -]?(key|token)",
            r"(api|access)[ -]?(key|token).{0,40}"
            r"(invalid|not valid|expired|incorrect|missing|required|not found|revoked|disabled)",
            r"location is not supported",
            r"authentication (fail|required)",
            r"unauthorized",
        ),
        frozenset({402, 429, 500, 502, 503, 504, 529}),
    ),
    Rule(
        Warming,
        codes=_any("model_loading", "loading_model", "cold_start"),
        phrases=_any(
            r"loading model",
            r"model .{0,120}(is )?(currently |still )?(loading|warming|starting)\b",
            r"is currently loading",
        ),
        not_at=frozenset({429}),
    ),
    Rule(
        RateLimited,
        frozenset({429}),
        _any(
            "rate_limit.*",
            "ratelimit.*",
            "resource_exhausted",
            "too_many_requests",
            "throttling.*",
            "quota_exceeded",
            "requests_per_.*",
            "tokens_per_.*",
            "130[2-5]",
        ),
        _any(r"rate[ -]?limit(ed| (reached|exceeded)|ing)", r"too many requests"),
        frozenset({503, 529}),
    ),
    Rule(
        Transient,
        frozenset({408, 409, 425, 498, 499, 529, *range(500, 600)}),
        _any(
            "overloaded(_error)?",
            "server_error",
            "internal(_server)?_error",
            "internal",
            "api_error",
            "timeout(_error)?",
            "service_unavailable",
            "unavailable",
            "insufficient_system_resource",
            "capacity_exceeded",
            "cancelled",
            "deadline_exceeded",
            "aborted",
            "provider_unavailable",
            "upstream_error",
            "bad_gateway",
        ),
        _any(r"overloaded", r"temporarily unavailable", r"internal (server )?error", r"at capacity"),
        frozenset({400, 422}),
    ),
    Rule(
        CallerFault,
        frozenset({400, 405, 406, 411, 412, 414, 415, 416, 417, 421, 422, 426, 428, 431, 451}),
        _any(
            "invalid_request(_error)?",
            "invalid_argument",
            "invalid_parameter.*",
            "bad_request(_error)?",
            "unsupported_.*",
            "invalid_.*",
            "validation_error",
            "tool_use_failed",
            "failed_precondition",
            "missing_required_parameter",
        ),
    ),
)
