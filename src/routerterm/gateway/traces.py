"""OpenTelemetry traces of requests, by the conventions for generative AI: names, times, tokens; never a text.

The spans of a request: the request itself (server), and the answer of the model below it (client).
Where they go is said by the usual variables, as in OTEL_EXPORTER_OTLP_ENDPOINT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routerterm.core.errors import SettingsError
from routerterm.core.installing import how_to_add

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from routerterm.gateway.request_record import RequestRecord

_MS = 1_000_000


class Tracer:
    """Makes spans of requests that are over."""

    def __init__(self, provider: TracerProvider) -> None:
        from routerterm import __version__

        self._provider = provider
        self._tracer = provider.get_tracer("routerterm.gateway", __version__)

    @classmethod
    def from_environment(cls) -> Tracer:
        """Sending to where the environment says.  Raises `SettingsError` where the libraries are not there."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"gateway.traces needs {error.name}, which is not installed.",
                f"Install it with: {how_to_add('otel')}  (or set gateway.traces = false)",
            ) from error
        provider = cls._provider_of()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    @classmethod
    def into(cls, exporter: SpanExporter) -> Tracer:
        """Sending to this exporter, span by span."""
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        provider = cls._provider_of()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return cls(provider)

    @staticmethod
    def _provider_of() -> TracerProvider:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        return TracerProvider(resource=Resource.create({"service.name": "routerterm"}))

    def record(self, record: RequestRecord) -> None:
        """The spans of one request."""
        from opentelemetry import trace
        from opentelemetry.trace import SpanKind, Status, StatusCode

        row = record.row
        begun = row.started_at * _MS
        ended = begun + (row.total_ms or 0) * _MS
        request = self._tracer.start_span(
            f"POST {row.path}",
            kind=SpanKind.SERVER,
            start_time=begun,
            attributes={
                "http.request.method": "POST",
                "url.path": row.path,
                "http.response.status_code": row.status,
                "routerterm.client": row.client,
            },
        )
        if row.answered or row.asked:
            model = self._tracer.start_span(
                f"chat {row.asked}",
                context=trace.set_span_in_context(request),
                kind=SpanKind.CLIENT,
                start_time=begun,
                attributes=attributes(record),
            )
            if row.ttft_ms is not None:
                model.add_event("gen_ai.first_token", timestamp=begun + row.ttft_ms * _MS)
            if row.ending == "error":
                model.set_status(Status(StatusCode.ERROR, record.error_kind))
            model.end(end_time=ended)
        if row.status >= 500:
            request.set_status(Status(StatusCode.ERROR))
        request.end(end_time=ended)

    def close(self) -> None:
        """Send what is still to be sent."""
        self._provider.shutdown()


def attributes(record: RequestRecord) -> dict[str, Any]:
    """An answer in the words of the gen_ai conventions."""
    row = record.row
    provider, _, model = row.answered.partition("/")
    found: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": row.asked,
        "gen_ai.usage.input_tokens": row.tokens_in,
        "gen_ai.usage.output_tokens": row.tokens_out,
        "routerterm.attempts": row.attempts,
        "routerterm.fallback": row.fallback,
        "routerterm.cached": record.cached,
    }
    if row.answered:
        found |= {"gen_ai.provider.name": provider, "gen_ai.response.model": model}
    if row.cost is not None:
        found["routerterm.cost_usd"] = float(row.cost)
    if record.error_kind:
        found["error.type"] = record.error_kind
    return found
