"""`routerterm why`: the whole routing decision for a prompt, without sending it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.completion import models
from routerterm.cli.options import attach_option
from routerterm.cli.output import print_json, print_line

if TYPE_CHECKING:
    from routerterm.core.messages import Part
    from routerterm.core.targets import Decision, Forecast


@click.command("why")
@click.argument("prompt", required=False, default="")
@click.option(
    "-m", "--model", metavar="MODEL", default="", shell_complete=models, help="provider/model, a route or an alias."
)
@attach_option
@click.option("--web", is_flag=True, help="With the provider's own web search.")
@click.option("--private", is_flag=True, help="As in a private conversation: local models only.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON.")
def command(prompt: str, model: str, files: tuple[Path, ...], web: bool, private: bool, as_json: bool) -> None:
    """Explain which model a prompt would go to, and why not the others.  Nothing is sent.

    Exits with 4 if no model is available.

    \b
      routerterm why "Explain WAL"
      routerterm why -m cheap -a photo.jpg "What is this?"
    """
    decision = asyncio.run(_decide(prompt, model, files, private, web=web))
    if as_json:
        print_json(as_object(decision), indent=2)
    else:
        print_line(in_words(decision), end="")
    sys.exit(0 if decision.candidates else 4)


async def _decide(prompt: str, model: str, files: tuple[Path, ...], private: bool, *, web: bool) -> Decision:
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.core.messages import Message, Text
    from routerterm.core.request import ChatRequest, Params
    from routerterm.engine.chat.attachments import attachment
    from routerterm.wiring import open_app

    parts: tuple[Part, ...] = (*(attachment(file) for file in files), Text(prompt))
    async with open_app(loading="now") as app:
        await open_locked(app.keys, model or app.default_model)
        messages, params = (Message("user", parts),), Params(web=web or None)
        request = ChatRequest(model or app.default_model, messages, params=params, private=private, client="why")
        return await app.router.explain(request)


def in_words(decision: Decision) -> str:
    """The decision for a person to read."""
    from routerterm.core.targets import Cause

    lines = [f"{decision.asked} ({decision.strategy})"]
    for place, candidate in enumerate(decision.candidates, 1):
        lines.append(f"  {place}. {candidate.target}")
        lines.append(f"     {candidate.why}; {_forecast(candidate.forecast)}")
    if not decision.candidates:
        lines.append(
            "  No model is available." if decision.passed_over else "  No model is available: no provider has a key."
        )
        if all(item.cause is Cause.NO_KEY for item in decision.passed_over):
            lines.append("  Add a key with: routerterm keys add")
    if decision.passed_over:
        lines.append("passed over:")
        width = max(len(str(item.target)) for item in decision.passed_over)
        lines += (f"  {item.target!s:<{width}}  {item.reason}" for item in decision.passed_over)
    return "\n".join(lines) + "\n"


def as_object(decision: Decision) -> dict[str, Any]:
    """The decision for a program to read; amounts are USD as text."""
    return {
        "asked": decision.asked,
        "strategy": decision.strategy,
        "candidates": [
            {"model": str(candidate.target), "why": candidate.why, "forecast": _amounts(candidate.forecast)}
            for candidate in decision.candidates
        ],
        "passed_over": [
            {"model": str(item.target), "reason": item.reason, "cause": item.cause.value}
            for item in decision.passed_over
        ],
    }


def _forecast(forecast: Forecast | None) -> str:
    from routerterm.core.money import show_range

    if forecast is None:
        return "no forecast"
    cost = show_range(forecast.low, forecast.high)
    window = "?" if forecast.context is None else f"{forecast.context:,}"
    return f"about {forecast.prompt_tokens:,} tokens of {window}, {cost}"


def _amounts(forecast: Forecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    low, high = (None if amount is None else str(amount) for amount in (forecast.low, forecast.high))
    return {"prompt_tokens": forecast.prompt_tokens, "low": low, "high": high, "context": forecast.context}
