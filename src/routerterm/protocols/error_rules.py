"""What speaks for which class of failure: what the answer says first, its status second.

Rules are tried from the top, three times: for the words of a code or a message that mean one thing only, then for
the status, then for the general words that providers put on everything.
"""

from __future__ import annotations

import re

from routerterm.core.errors import (
    AccessDenied,
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    InsufficientCredit,
    InvalidKey,
    InvalidResponse,
    ModelForbidden,
    ModelLoading,
    ModelNotFound,
    RateLimited,
    RequestTooLarge,
    ServerError,
    UnsupportedRequest,
)
from routerterm.protocols.error_body import Rule


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _codes(words: str) -> re.Pattern[str]:
    return re.compile("|".join(words.split()))


_CLEAR = frozenset({401, 402, 403, 404, 429, 498, 529})
_FEATURES = (
    r"(tools?|tool[ _-]?(use|choice|calls?|calling)|functions?|function[ _-]?call(s|ing)?|images?|"
    r"image[ _](input|url)s?|vision|pictures?|audio|video|files?|pdf|documents?|"
    r"(system|developer) (role|message|prompt|instruction)s?|temperature|top_?[pk]|stop( sequences?)?|seed|"
    r"(presence|frequency)_?penalty|logit_bias|logprobs|response_format|json_schema|json mode|structured outputs?|"
    r"thinking|reasoning([ _]effort)?|stream_options|streaming|prefill(ing)?|prompt caching|cache_control|"
    r"parameters?|max_(completion_)?tokens|multimodal\w*)"
)
"""What one model takes and another does not, as error messages name it."""

RULES: tuple[Rule, ...] = (
    Rule(
        RequestTooLarge,
        phrases=_any(
            r"request too large for .{0,200}(per (min|day|hour)|\bTP[MDH]\b)",
            r"too large.{0,200}tokens[ _]per[ _](min|day|hour)",
            r"tokens must be reduced in order to run",
            r"(extra usage|usage credits?) .{0,40}required for long context",
        ),
    ),
    Rule(
        ContextTooLong,
        frozenset({413}),
        _codes(
            "context_length_exceeded exceed_context_size_error too_many_(prompt_|input_)?tokens context_window.* "
            "(model_)?context_(length|limit|size|window)_exceeded model_max_prompt_tokens_exceeded "
            "contextwindowexceeded(error)? "
            "request_too_large string_above_max_length (prompt|input)_too_long input_too_large 1261 "
        ),
        _any(
            r"prompt (is |was )?too long",
            r"max(imum)? (allowed )?(model|context|prompt|sequence|input|token) length",
            r"context ?window",
            r"context[ _](length|limit)",
            r"exceeds? (the |its )?(available |maximum )?context",
            r"too many (input |prompt )?tokens",
            r"token count .{0,60}(exceed|supports? up to|larger than|over the limit)",
            r"input is too (long|large)",
            r"(prompt|input|message|conversation|request)s? (is |are |was |were )?"
            r"(too (long|large)|longer than|over the limit)",
            r"(prompt|input|request|messages?|conversation) (has|have|is|contains?|of) [\d,]{3,15} (\w+ )?tokens.{0,40}"
            r"(more|longer|larger|greater) than|[\d,]{3,15} tokens.{0,40}\(total context",
            r"(prompt|input) tokens? (limit|count) exceeded|too many total text bytes",
            r"(payload|request|body|entity)( (size|body|entity|payload))? "
            r"(is |was )?(too large|exceeds? (the |its )?(\w+ )?(limit|size))",
            r"length of (all|the) messages .{0,40}too long",
            r"reduce (the length of|the number of tokens in) (the |your )?(messages|prompt|input|conversation)",
            r"too large for model with \d+ maximum",
            r"exceed(s|ed)? (the )?(model'?s? )?max(imum)? (context|input|prompt|length|(number of )?(input )?token)",
            r"exceed(s|ed)? (the )?(model'?s? )?(input |prompt )?tokens? limit",
            r"range of input length",
            r"max_prompt_tokens",
            r"`?inputs`? .{0,40}(tokens|must have less than)",
            r"max_(new|total|input)_tokens`? must be",
            r"only supports? (up to )?\d+ (input |prompt )?tokens",
            r"prompt contains \d+ tokens",
            r"\bnum_ctx\b|\bn_ctx\b",
            r"increase the physical batch size",
            r"maximum supported sequence length",
            r"(input|prompt|content|message)s? length (is |was )?exceed(s|ed)",
            r"total (number of )?tokens?( \(.{0,40}\))? .{0,30}(exceeds?|must not exceed|is over) "
            r"(the )?(model )?(limit|\d{3,})",
            r"length of the (prompt|input|messages) .{0,20}(at most|up to|no more than) \d+",
        ),
        _CLEAR,
    ),
    Rule(
        InsufficientCredit,
        frozenset({402}),
        _codes(
            "insufficient_(quota|balance|credits?|funds|user_quota) billing_.* exceeded_current_quota_error "
            "arrearage payment_required "
            "(spend|spending|budget|credit|organi[sz]ation|monthly|usage|hard)_.*limit_(exceeded|reached) "
            "(spend|spending|budget|credit|usage)_(limit|cap)_(exceeded|reached) budget_?exceeded exceeded_?budget "
            "(account|credits?|balance)_?(overdue|exhausted|depleted)(error)? accountoverdueerror no_credits? "
            "1113 "
        ),
        _any(
            r"credit balance",
            r"balance (is |was )?(insufficient|too low|exhausted|negative|used up)|\barrearage\b|余额不足|欠费",
            r"(insufficient|out of|not enough|no|zero|negative) (account |remaining )?(balance|credits?|funds)\b",
            r"(used all|exhausted|run out of|ran out of) .{0,40}(credits?|balance)",
            r"(credits?|balance|prepayment|funds) .{0,20}(are |is |has been |have been )?(depleted|exhausted|used up)",
            r"unpaid (invoice|bill|balance)|exceededbudget",
            r"spend(ing)? (limit|cap)",
            r"(reached|exceeded|hit|over) (your|the|its|a|their) (?!.{0,40}\b(minute|hour\w*|session|\d-hour)\b).{0,40}"
            r"(usage|budget|billing|monthly|spend\w*|credit) (token |request )?(limits?|cap|budget|quota)",
            r"(key|budget) limit exceeded",
            r"budget has been exceeded",
            r"exceeded your monthly .{0,20}credits?",
            r"payment (is )?(required|method)",
            r"billing (is )?(not active|hard limit|disabled|details are)",
            r"(purchase|add|buy) (more )?credits",
            r"top[ -]?up your",
            r"account .{0,40}(suspended|overdue|arrears|not paid)",
            r"(subscription|trial) .{0,40}(expired|ended|inactive)",
        ),
    ),
    Rule(
        ContentBlocked,
        codes=_codes(
            "content_filter(ed)?(_error)? content_policy_violation responsibleaipolicyviolation moderation_.* "
            "data_?inspection_?failed content_moderation.* invalid_prompt prohibited_content 1301 content_blocked "
            "safety.* unsafe_.* sensitive_.* refusal "
        ),
        phrases=_any(
            r"content management policy",
            r"content (filter(ing)?|safety|exists risk)",
            r"(content|usage|safety|acceptable use) (polic(y|ies)|guidelines)",
            r"safety (system|check|filter|settings)|safety_check",
            r"(flagged|blocked|rejected) (by|as|for|input|under|due to) .{0,60}"
            r"(safety|moderation|content|policy|harm|unsafe|risk)",
            r"(was|been|input|prompt|content) flagged|flagged (by|as|for|input)",
            r"(requires|failed) moderation",
            r"(inappropriate|sensitive|harmful|prohibited|high[- ]risk|unsafe) (content|words|information|input)",
            r"violat(es|ed|ing) .{0,60}(polic|guideline|terms)",
            r"\bprohibited[ _]content|(classified|detected) as (unsafe|harmful|sensitive)|safety classifier",
        ),
        not_at=frozenset({401, 402, 404, 429}),
    ),
    Rule(
        AccessDenied,
        frozenset({407, 451}),
        _codes(
            "unsupported_(country|region|location|territory).* "
            "(country|region|location|ip)_(not_(supported|allowed|authorized)|blocked|restricted) "
            "ip_not_(allowed|authorized) "
        ),
        _any(
            r"(country|region|territory|location|area)\b.{0,60}\b(not|isn't|un)[ -]?(supported|available|allowed)",
            r"not (available|supported|allowed) in your (country|region|location|area)",
            r"(from|in) your (country|region|location|area|network) .{0,20}not",
            r"\bsecurity (policy|rule|service|solution)|\bWAF\b|^error code: 1\d{3}|^request not allowed",
            r"\b(allow|white|block|black|deny)[ -]?list(ed)?\b|proxy authentication",
            r"\bIP\b.{0,40}(not (allowed|authori[sz]ed|whitelisted)|blocked|banned)",
            r"cloudflare|just a moment|attention required|captcha|unusual traffic",
        ),
    ),
    Rule(
        ModelForbidden,
        codes=_codes("model_(not_allowed|forbidden|access_denied|disabled_for_.*) .*_model_access_denied"),
        phrases=_any(
            r"(not|n't|cannot|un) ?(been )?(allowed|permitted|authori[sz]ed|access|entitled|have (access|permission)) "
            r"(access )?(to |for )?(\w+ ){0,4}?\bmodels?\b(?! or\b)",
            r"\bmodels?\b .{0,60}(requires?|(is )?not (available|included|enabled|allowed)) .{0,20}"
            r"\b(your|this|a|an|the) .{0,20}(plan|tier|account|key|project|team|subscription|workspace)\b",
        ),
        not_at=frozenset({402, 404, 429, *range(500, 600)}),
    ),
    Rule(
        UnsupportedRequest,
        codes=_codes(
            "unsupported_(value|parameter|feature|content_type|operation|tool.*|image.*|media_type) "
            "unknown_parameter extra_forbidden unsupported_for_model tools?_not_supported "
        ),
        phrases=_any(
            rf"does(n't| not) support .{{0,40}}\b{_FEATURES}\b",
            rf"\b{_FEATURES}\b.{{0,60}}\b(is|are)(n't| not) "
            r"(currently |yet )?(supported|available|allowed|permitted|enabled)\b",
            rf"(no|none of the) .{{0,40}}(endpoint|provider|model)s? .{{0,40}}support .{{0,40}}\b{_FEATURES}",
            rf"unsupported .{{0,30}}\b{_FEATURES}\b",
            rf"\b{_FEATURES}\b.{{0,80}}\b(is|are)( unsupported| not (enabled|available) (for|on) )",
            rf"\b{_FEATURES}\b.{{0,20}} (is|are) deprecated for this model",
            r"\bmodel does(n't| not) support|no endpoints? found (that|matching)|not enabled for (this model|models/)",
            r"\bcannot both be\b|mutually exclusive|(is|are) (incompatible|not compatible) with",
            r"(unknown variant|unrecognized|unsupported) .{0,40}(content (type|part)|`?(image|audio|input)_\w+)",
            r"not a multimodal|at most \d+ (image|audio|video|file|document)s?\b|failed to process inputs",
            r"(cannot|can't|must not) have .{0,30}(assistant|user|system|tool) messages",
            r"does not support \S+ with this model",
            r"(unrecognized|unknown|unexpected|unsupported|extra|additional) (request )?"
            r"(arguments?|parameters?|fields?|propert(y|ies)|inputs?|name|keys?|keyword)\b",
            r"unknown name \S+ at|cannot find field",
            r"not (supported|permitted|allowed) (with|by|for) this model",
            r"(only|can only be) .{0,40}supported (with|by|for|on) .{0,40}models?",
            r"extra inputs are not permitted",
            r"\bjinja\b|chat template|template (error|exception|render)|error rendering",
            r"roles? must alternate|unexpected role|system role not supported",
            r"more system memory|out of memory|(insufficient|not enough) (gpu |system )?memory",
            r"(cannot|unable to) allocate",
            r"thought_signature|thought signature",
            rf"\b{_FEATURES}\b.{{0,40}}\brequires? --[\w-]+",
        ),
        not_at=frozenset({401, 402}),
    ),
    Rule(
        InvalidResponse,
        frozenset({405}),
        _codes("unknown_url route_not_found endpoint_not_found method_not_allowed"),
        _any(
            r"^(404 )?(page |url |path |route |resource |endpoint |file )?not found\.?$",
            r"\b(path|route|url|endpoint|resource) .{0,80}not found|requested (url|path|resource) (was |is )?not found",
            r"HTTP request (was sent )?to (an )?HTTPS",
            r"^(\d{3} )?(not found|method not allowed|no static resource.*)$",
            r"cannot (GET|POST) /",
            r"(invalid|unknown|unexpected|unsupported|no such|unrecognized) (request )?(url|path|route|endpoint)\b",
            r"no route (found|matches|matched)|no (handler|matching route)",
        ),
        frozenset({401, 402, 403, 429, *range(500, 600)}),
    ),
    Rule(
        ModelNotFound,
        frozenset({404, 410}),
        _codes(
            "model_(not_found|decommissioned|not_active|not_available|deprecated|removed|not_supported|is_deactivated) "
            "model_?not_?found(_error|exception)? invalid_model(_error|_id)? unknown_model deploymentnotfound "
            "unsupported_model model_disabled "
        ),
        phrases=_any(
            r"no (allowed |available )?(endpoints?|providers?|channels?|instances?|workers?) (were )?(found|available)",
            r"model.{0,120}? (was |is |has been |could not be )?"
            r"(not found|does not exist|not exist|decommissioned|deprecated|removed|discontinued|retired|no longer)",
            r"(not|isn't|be) a valid model|model (identifier|id|name) (is )?(invalid|unknown)",
            r"(invalid|unknown|unrecognized|no such|unsupported) model\b",
            r"model .{0,80}is(n't| not) (available|supported|loaded|enabled|deployed|ready)\b",
            r"(does not|doesn't|do not|don't) have access to (the )?model",
            r"no models? (are )?loaded",
            r"deployment .{0,80}(does not exist|not found)",
        ),
        not_at=frozenset({401, 402, 403, 429}),
        general=_codes("not_found_error not_found"),
    ),
    Rule(
        ModelLoading,
        codes=_codes("model_loading loading_model cold_start"),
        phrases=_any(
            r"loading model",
            r"model .{0,120}(is )?(currently |still )?(loading|warming|starting)\b",
            r"is currently loading|cold start|scaling up from zero",
        ),
        not_at=frozenset({429}),
    ),
    Rule(
        RateLimited,
        frozenset({429}),
        _codes(
            "rate_?limit.* resource_exhausted too_many_requests throttl(ing|ed).* quota_exceeded "
            "userratelimitexceeded requests_per_.* tokens_per_.* concurrency_.* 130[2-5] "
        ),
        _any(
            r"rate[ -]?limit(s|ed)?( (was |is |has been )?(reached|exceeded|hit)|ing)?\b",
            r"too many (concurrent |parallel )?requests",
            r"quota (was |has been )?exceeded|exceeded .{0,40}quota",
            r"(requests|tokens) per (second|minute|hour|day)",
            r"concurren(t|cy) .{0,40}(limit|exceeded)",
            r"throttl(ed|ing)|slow(ing)? down",
        ),
        frozenset({401, 402, 503, 529}),
    ),
    Rule(
        InvalidKey,
        frozenset({401, 403}),
        _codes(
            "invalid_api_key incorrect_api_key api_key_.* authentication_error unauthorized unauthenticated "
            "permission_(denied|error) invalid_authentication(_error)? forbidden account_deactivated "
            "access_denied organization_restricted "
        ),
        _any(
            r"(invalid|incorrect|expired|missing|malformed|wrong|bad|revoked|leaked|no) "
            r".{0,20}(api|access|auth\w*)[ -]?(key|token)",
            r"(api|access)[ -]?(key|token).{0,40}"
            r"(invalid|not valid|expired|incorrect|missing|required|not found|revoked|disabled)",
            r"authentication (fail|required)|\btoken (is |has |was )?(expired|revoked|incorrect)",
            r"unauthorized",
        ),
        frozenset({402, 429, 500, 502, 503, 504, 529}),
    ),
    Rule(
        ServerError,
        frozenset({408, 409, 424, 425, 498, 499, 529, *range(500, 600)}),
        _codes(
            "overloaded(_error)? server_error internal(_server)?_error internal api_error timeout(_error)? "
            "service_unavailable unavailable insufficient_system_resource capacity_exceeded cancelled "
            "deadline_exceeded aborted provider_unavailable upstream_error bad_gateway "
        ),
        _any(
            r"(is|are|been|server|model|engine|system|currently) (currently )?overloaded|^overloaded",
            r"(temporarily|service|currently) (is )?unavailable",
            r"internal (server )?error",
            r"at capacity|high (demand|traffic|load)",
            r"bad gateway|gateway time-?out",
            r"upstream (model |server |provider |connect\w* )?(error|failure|timed? ?out)",
            r"connection (reset|refused|closed|error)|fetch failed",
        ),
    ),
    Rule(
        BadRequest,
        frozenset({400, 406, 411, 412, 414, 415, 416, 417, 421, 422, 426, 428, 431}),
        general=_codes(
            "invalid_request(_error)? invalid_argument invalid_parameter.* bad_request(_error)? unsupported_.* "
            "invalid_.* validation_error tool_use_failed failed_precondition missing_required_parameter "
        ),
    ),
)
