"""How near the estimated prompt tokens are to the reported ones, on recorded traffic.

    python benchmarks/tokens.py [--list]

``first`` is the error of a model never seen before; ``then`` after having learned from the model's other recordings
(leave one out), as the program does from every reported usage.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from recorded_prompts import LeftOut, RecordedPrompt, recorded_prompts

from routerterm.catalog.values import ModelInfo
from routerterm.core.usage import Usage
from routerterm.tokens import TokenEstimator

OPENAI = ("openai-chat", "openai-responses", "azure-openai-chat", "azure-openai-responses", "azure-ai")
OPENAI_WITHIN, OTHERS_WITHIN = 0.05, 0.12


@dataclass(frozen=True, slots=True)
class Measured:
    """A recorded prompt with our two estimates of it."""

    prompt: RecordedPrompt
    first: int
    then: int

    def error(self, estimate: int) -> float:
        """Relative to what was reported."""
        return abs(estimate / self.prompt.reported - 1)


def is_openai(provider: str) -> bool:
    """Whether the traffic is OpenAI's own, from whichever door."""
    return provider in OPENAI or provider.startswith(("chatgpt-", "copilot"))


def model_of(prompt: RecordedPrompt) -> ModelInfo:
    """The model as the estimator knows it."""
    return ModelInfo(prompt.provider, prompt.model)


def measure(prompts: Sequence[RecordedPrompt]) -> list[Measured]:
    """Both estimates of each."""
    groups: dict[tuple[str, str], list[RecordedPrompt]] = defaultdict(list)
    for prompt in prompts:
        groups[prompt.provider, prompt.model].append(prompt)
    measured = []
    for prompt in prompts:
        estimator = TokenEstimator("now")
        model = model_of(prompt)
        first = estimator.prompt(prompt.request, model)
        for other in groups[prompt.provider, prompt.model]:
            if other.request != prompt.request:
                estimator.learn(other.request, model, Usage(fresh=int(other.reported)))
        measured.append(Measured(prompt, first, estimator.prompt(prompt.request, model)))
    return measured


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(groups: Mapping[str, Iterable[Measured]]) -> None:
    """One line a group."""
    print(f"{'provider':28}{'n':>5}{'first: median':>15}{'p90':>8}{'then: median':>15}{'p90':>8}")
    for name, rows in groups.items():
        first = [row.error(row.first) for row in rows]
        then = [row.error(row.then) for row in rows]
        columns = (median(first), percentile(first, 0.9), median(then), percentile(then, 0.9))
        print(
            f"{name:28}{len(first):5}" + "".join(f"{c:>{w}.1%}" for c, w in zip(columns, (15, 8, 15, 8), strict=True))
        )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="every recording that is wrong by more than a quarter")
    show = parser.parse_args().list
    prompts, left_out = [], Counter[str]()
    for found in recorded_prompts():
        if isinstance(found, LeftOut):
            left_out[found.reason] += 1
        else:
            prompts.append(found)
    rows = measure(prompts)
    groups: dict[str, list[Measured]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.prompt.provider):
        groups[row.prompt.provider].append(row)
    report(groups)
    print()
    openai = [row for row in rows if is_openai(row.prompt.provider)]
    others = [row for row in rows if not is_openai(row.prompt.provider)]
    report({"all of OpenAI": openai, "all others": others})
    for name, group, limit in (("OpenAI", openai, OPENAI_WITHIN), ("others", others, OTHERS_WITHIN)):
        found = median(row.error(row.first) for row in group)
        print(
            f"{name}: median {found:.1%}, wanted within {limit:.0%}: {'holds' if found <= limit else 'DOES NOT HOLD'}"
        )
    print(f"\nleft out, for the prompt is not all in the request: {left_out.total()}")
    for reason, n in left_out.most_common():
        print(f"  {n:3} {reason}")
    if show:
        for row in rows:
            if row.error(row.first) > 0.25:
                p = row.prompt
                print(f"{p.provider} {p.model}: {p.reported} reported, {row.first} then {row.then} estimated  {p.name}")


if __name__ == "__main__":
    main()
