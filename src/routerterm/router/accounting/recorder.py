"""How the attempts of one request ended: in the ledger, in the memory of models and keys, and in sum."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from routerterm.core.errors import InvalidResponse, ProviderError, ResponseTimeout, StreamInterrupted
from routerterm.core.ledger import Cause, Outcome
from routerterm.core.money import Cost, to_nano
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.router.accounting.admission import AttemptAdmission, AttemptResult
from routerterm.router.accounting.rows import total_cost, total_usage
from routerterm.router.decide.attempts import Attempt
from routerterm.router.decide.retry_state import is_network
from routerterm.router.ports import RouterPorts
from routerterm.router.run.assembly import RunningAttempt


class AttemptRecorder:
    """Every attempt that left ends here, once."""

    def __init__(self, admission: AttemptAdmission, ports: RouterPorts) -> None:
        self._admission = admission
        self._ports = ports
        self._loop_time = asyncio.get_running_loop().time
        self._usages: list[Usage] = []
        self._costs: list[Cost] = []
        self._open: list[RunningAttempt] = []
        self._unreached: list[tuple[Attempt, ProviderError]] = []
        self._reached_network = self._reached_anything = False
        self._ended = 0
        self.made = 0
        """Attempts that left."""
        self._last: Target | None = None

    @property
    def committed(self) -> int:
        """Nano-USD of the attempts so far: what the ended ones cost, and what is held back for those under way."""
        return self._ended + sum(run.record.cost_nanousd or 0 for run in self._open)

    @property
    def usage(self) -> Usage:
        """Of all attempts."""
        return total_usage(self._usages)

    @property
    def cost(self) -> Cost:
        """Of all attempts."""
        return total_cost(self._costs)

    def begin(self, run: RunningAttempt) -> None:
        """An attempt leaves."""
        self._open.append(run)
        self.made += 1
        self._last = run.attempt.target

    def cause(self, target: Target) -> Cause:
        """Why an attempt is made now: after those that left before it, or beside one that is under way."""
        if self._last is None:
            return "first"
        if self._open:
            return "hedge"
        return "retry" if target == self._last else "failover"

    async def finish(
        self, run: RunningAttempt, outcome: Outcome, error: ProviderError | None = None, error_class: str | None = None
    ) -> None:
        """Enter the end of an attempt in the ledger, and what it taught in the memory."""
        if run.over:
            return
        run.over = True
        self._open.remove(run)
        stream, ended = run.stream, self._loop_time()
        usage = self._used(run, error)
        cost = self._ports.pricer.cost(usage, run.attempt.candidate.model)
        self._usages.append(usage)
        self._costs.append(cost)
        self._ended += to_nano(cost.usd) if cost.usd is not None else run.record.cost_nanousd or 0
        ttft = None if stream.first_content is None else stream.first_content - stream.sent
        if stream.status is not None:
            status = stream.status
        elif error is None:
            status = None
        else:
            status = error.status
        result = AttemptResult(
            outcome,
            usage,
            cost,
            started=run.started,
            seconds=ended - stream.sent,
            ttft=ttft,
            error=error,
            error_class=error_class,
            http_status=status,
        )
        held_back = error is not None and is_network(error)
        if error is not None and held_back:
            self._unreached.append((run.attempt, error))
        elif outcome != "cancelled" or stream.status is not None:
            self._reached_anything = True
            self._reached_network = self._reached_network or not run.attempt.candidate.model.local
        await self._admission.settle(run.record, result)
        await self._admission.report(run.attempt, result, stream.headers, charge=not held_back)
        if run.digests and outcome == "done" and usage.source == "reported":
            await self._admission.remember_cache(
                run.record, run.attempt.candidate.model, run.digests, usage, run.started
            )

    async def settle_unreached(self) -> None:
        """Failures to connect count once it is known that the network is there.

        What answers on this machine says nothing of the line to those that are far away.
        """
        for attempt, error in self._unreached:
            local = attempt.candidate.model.local
            if self._reached_anything if local else self._reached_network:
                await self._admission.charge(attempt.target, error)
            else:
                await self._admission.release(attempt.target)
        self._unreached.clear()

    async def call_off(self) -> None:
        """The person stopped, or the program: what is under way is entered as cancelled."""
        for run in list(self._open):
            await self.finish(run, "cancelled")
        await self.settle_unreached()

    def _used(self, run: RunningAttempt, error: ProviderError | None) -> Usage:
        """What the provider reported, or an estimate where something may be billed."""
        generated = run.stream.content and run.stream.generates
        if run.usage is not None and run.usage.input and (run.usage.output or not generated):
            return run.usage
        if run.usage is not None and run.usage.cost is not None:
            return run.usage
        if error is not None and not run.stream.content and not _may_be_billed(run, error):
            return Usage(source="estimated")
        forecast = run.attempt.candidate.forecast
        spoken = "".join(run.spoken) if run.stream.generates else ""
        output = self._ports.estimator.text(spoken, run.attempt.candidate.model) if spoken else 0
        estimated = Usage(fresh=forecast.prompt_tokens if forecast else 0, output=output, source="estimated")
        if run.usage is None:
            return estimated
        # A report that says nothing of the prompt, or of an answer that came, is completed by our own count.
        said = run.usage if run.usage.input else replace(run.usage, fresh=estimated.fresh)
        return replace(said, output=said.output or output, source="estimated")


def _may_be_billed(run: RunningAttempt, error: ProviderError) -> bool:
    """Whether a provider may have worked on a request that failed before the first word of an answer.

    It answered, and nobody could read it: that is no refusal, unless a web page stood in its place.
    """
    if isinstance(error, InvalidResponse):
        return run.stream.status == 200 and "html" not in run.stream.headers.get("content-type", "")
    return isinstance(error, ResponseTimeout | StreamInterrupted)
