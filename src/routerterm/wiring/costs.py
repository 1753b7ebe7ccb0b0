"""Counting, prices, caps and guard of one person, as the ports that the router asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from msgspec import Struct, field

from routerterm.catalog import Catalog
from routerterm.config.schema import BudgetSettings, CapSettings, Settings
from routerterm.config.schema_guard import GuardSettings
from routerterm.core.ports import State
from routerterm.core.targets import Target
from routerterm.engine.usage.clock import zone_of
from routerterm.router.accounting.pricing import CatalogPricer
from routerterm.router.decide.budget import BudgetRules, Limits, PersonalBudget
from routerterm.router.decide.forecast import AnswerLengths, HistoryForecaster
from routerterm.router.guard.guard import PersonalGuard
from routerterm.router.guard.rules import DETECTORS, Action, DetectorName, GuardRules, Hit, Rule
from routerterm.router.ports import RouterPorts
from routerterm.store.database import Store, milliseconds
from routerterm.store.errors import DiskTrouble
from routerterm.store.guard_hits import GuardHit, GuardHits
from routerterm.store.statistics import answer_lengths
from routerterm.tokens.estimator import MEMORY_PREFIX, Loading, TokenEstimator
from routerterm.wiring.ratings import StoredRatings

HITS_KEPT = 100


class Costs(Struct):
    """What looks after money and privacy in one program."""

    estimator: TokenEstimator
    lengths: AnswerLengths
    forecaster: HistoryForecaster
    budget: PersonalBudget
    guard: PersonalGuard
    ratings: StoredRatings
    hits: deque[Hit] = field(default_factory=lambda: deque(maxlen=HITS_KEPT))
    """What the guard found lately: never the text."""
    unwritten: list[GuardHit] = field(default_factory=list)
    """What of it is not on record yet."""

    @property
    def ports(self) -> RouterPorts:
        """For the router."""
        pricer = CatalogPricer(lambda: datetime.now(UTC))
        return RouterPorts(self.estimator, self.forecaster, pricer, self.budget, self.guard, ratings=self.ratings)

    async def recall(self, store: Store) -> None:
        """Take up what earlier sessions have learned."""
        self.estimator.remember(await store.memory.read(MEMORY_PREFIX))
        for (provider, model), newest in (await store.reader.read(answer_lengths)).items():
            self.lengths.load(Target(provider, model), newest)

    async def keep(self, store: Store) -> None:
        """Keep what this session has learned."""
        for name, state in self.estimator.learned().items():
            await store.memory.change(name, partial(_instead, state))
        record = GuardHits(store.writer, store.reader)
        while self.unwritten:
            hit = self.unwritten.pop(0)
            try:
                await record.add(hit)
            except DiskTrouble:  # they are told to nobody else, so they wait for the next time
                self.unwritten.insert(0, hit)
                return


def costs_of(settings: Settings, catalog: Catalog, store: Store, loading: Loading) -> Costs:
    """Put together what looks after money and privacy.  Raises `SettingsError` for a rule that is none."""
    lengths = AnswerLengths()
    estimator = TokenEstimator(loading, on_report=lengths.add)
    hits: deque[Hit] = deque(maxlen=HITS_KEPT)
    unwritten: list[GuardHit] = []

    def struck(hit: Hit) -> None:
        hits.append(hit)
        at = milliseconds()
        unwritten.append(
            GuardHit(
                at,
                hit.rule,
                hit.action,
                role=hit.role,
                count=hit.count,
                timed_out=hit.timed_out,
                conversation_id=hit.conversation_id,
            )
        )

    return Costs(
        estimator,
        lengths,
        HistoryForecaster(estimator, lengths),
        budget=PersonalBudget(
            budget_rules(settings.budget), catalog.model, store.ledger.used, store.ledger.figures.used
        ),
        guard=PersonalGuard(guard_rules(settings.guard), struck),
        ratings=StoredRatings(store),
        hits=hits,
        unwritten=unwritten,
    )


def budget_rules(own: BudgetSettings) -> BudgetRules:
    """The caps of the settings."""
    return BudgetRules(
        limits=_limits(own),
        conversation=own.conversation,
        requests_per_day=own.requests_per_day,
        tokens_per_day=own.tokens_per_day,
        routes=_by_name(own.routes),
        providers=_by_name(own.providers),
        models=_by_name(own.models),
        on_cap=own.on_cap,
        warn_at=own.warn_at,
        zone=zone_of(own.timezone),
    )


def guard_rules(own: GuardSettings) -> GuardRules:
    """The rules and detectors of the settings; none where the guard is off."""
    if not own.enabled:
        return GuardRules()
    detectors: dict[DetectorName, Action] = {}
    for name in DETECTORS:
        action = getattr(own.detectors, name)
        if action != "off":
            detectors[name] = action
    rules = tuple(
        Rule(
            rule.name,
            rule.action,
            rule.regex,
            contains_all=rule.contains_all,
            contains_any=rule.contains_any,
            roles=rule.roles,
        )
        for rule in own.rules
    )
    return GuardRules(rules, detectors)


def _limits(own: CapSettings) -> Limits:
    return Limits(own.request, own.day, own.month)


def _by_name(own: Mapping[str, CapSettings]) -> dict[str, Limits]:
    return {name: _limits(caps) for name, caps in own.items()}


def _instead(state: State, _before: State | None) -> State:
    return state
