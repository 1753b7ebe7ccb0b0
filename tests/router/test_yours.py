"""A person's own ranking: which choices are votes, what they make of ratings, and the strategy that goes by them."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.engine.rating.fit import ratings
from routerterm.engine.rating.kinds import KINDS, kind_of
from routerterm.engine.rating.votes import Question, Version, Vote, votes
from routerterm.router.decide.yours import UNRATED, Rating, Weights, weigh
from routerterm.store.database import Store
from routerterm.store.versions import answered_by_several
from routerterm.wiring import open_app
from routerterm.wiring.ratings import StoredRatings

A, B, C = "a/one", "b/two", "c/three"


def vote(winner: str, loser: str, kind: str = "code", weight: float = 1.0) -> Vote:
    return Vote(winner, loser, kind, weight)


ANY = st.lists(
    st.builds(
        Vote,
        st.sampled_from([A, B, C, "d/four"]),
        st.sampled_from([A, B, C, "d/four"]),
        st.sampled_from(["code", "writing"]),
        st.sampled_from([0.5, 1.0]),
    ).filter(lambda vote: vote.winner != vote.loser),
    max_size=12,
)


@settings(max_examples=30)
@given(ANY, st.randoms(), st.sampled_from(["", "code"]))
def test_the_order_of_votes_means_nothing_and_every_number_is_sane(
    found: list[Vote], chance: random.Random, kind: str
) -> None:
    fitted = ratings(found, kind)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert ratings(shuffled, kind) == fitted
    for rating in fitted.values():
        assert abs(rating.strength) < 10
        assert 0 < rating.spread <= 1.0 + 1e-9, "votes never make it less certain than none"
    assert abs(sum(rating.strength for rating in ratings(found).values())) < 1e-6, "the average stays at 1500"


@settings(max_examples=30)
@given(ANY)
def test_turning_every_vote_round_turns_the_ratings_round(found: list[Vote]) -> None:
    turned = ratings([Vote(one.loser, one.winner, one.kind, one.weight) for one in found])
    for name, rating in ratings(found).items():
        assert turned[name].strength == pytest.approx(-rating.strength, abs=1e-6)
        assert turned[name].spread == pytest.approx(rating.spread, abs=1e-6)


@settings(max_examples=30)
@given(ANY)
def test_one_more_vote_for_a_model_never_lowers_it(found: list[Vote]) -> None:
    before = ratings([*found, vote(A, B, weight=0.5)])
    after = ratings([*found, vote(A, B, weight=0.5), vote(A, B)])
    assert after[A].strength > before[A].strength
    assert after[A].spread < before[A].spread


def test_the_true_order_comes_out_of_enough_votes_within_its_uncertainty() -> None:
    truth = {A: 1.0, B: 0.0, C: -1.0}
    chance, found = random.Random(4), []
    for _ in range(400):
        one, other = chance.sample(sorted(truth), 2)
        wins = chance.random() < Rating(truth[one] - truth[other]).preferred
        found.append(vote(one, other) if wins else vote(other, one))
    fitted = ratings(found)
    for name, strength in truth.items():
        assert abs(fitted[name].strength - strength) < 3 * fitted[name].spread
        assert fitted[name].spread < 0.7


def test_a_kind_of_prompt_has_a_rating_of_its_own_that_begins_at_the_whole() -> None:
    found = [vote(A, B, "code")] * 8 + [vote(B, A, "writing")] * 4
    code, writing, maths = (ratings(found, kind) for kind in ("code", "writing", "maths"))
    assert code[A].strength > ratings(found)[A].strength > writing[A].strength
    assert (code[A].kind, code[A].votes) == ("code", 8)
    assert maths == ratings(found), "of a kind without votes the rating is that of all"


def version(model: str, at: int, **was: bool) -> Version:
    return Version(model, at, at + 5, **was)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(A, 0, chosen=True), version(B, 0), version(C, 0)], [(A, B, 1.0), (A, C, 1.0)]),
        ([version(A, 0), version(B, 10, continued=True)], [(B, A, 1.0)]),
        ([version(A, 0, chosen=True), version(B, 0, continued=True)], [(B, A, 1.0)]),
        ([version(A, 0, continued=True), version(B, 10, continued=True)], []),
        ([version(A, 0), version(B, 10, shown=True)], [(B, A, 0.5)]),
        ([version(A, 0, shown=True), version(B, 10)], []),
        ([version(A, 0), version(B, 2, shown=True)], []),
        ([version(A, 0), version(A, 10, continued=True)], []),
        ([version(A, 0, shown=True)], []),
    ],
)  # fmt: skip
def test_what_is_a_vote(versions: list[Version], expected: list[tuple[str, str, float]]) -> None:
    found = votes([Question("code", tuple(versions))])
    assert [(one.winner, one.loser, one.weight) for one in found] == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Why does `foo()` raise in main.py?", "code"),
        ("Translate this into French: good morning", "translation"),
        ("Übersetze das bitte", "translation"),
        ("Summarise the thread below", "summary"),
        ("Solve 3x + 4 = 10", "maths"),
        ("Write a short poem about the sea", "writing"),
        ("What is the capital of Peru?", "other"),
        ("", "other"),
    ],
)
def test_kinds_of_prompts(text: str, kind: str) -> None:
    assert kind_of(text) == kind
    assert kind in KINDS
    assert kind_of(text, images=True) == "images"


def test_scores_are_shares_and_weights_mean_what_they_say() -> None:
    good, plain = Rating(2.0, 0.3, 9, "code"), UNRATED
    candidates = [(good, Decimal("0.02"), 4.0), (plain, Decimal("0.01"), 2.0), (plain, None, 8.0)]
    by_rating = weigh(candidates, Weights(1, 0, 0))
    assert by_rating[0].score == pytest.approx(good.preferred)
    assert by_rating[1].score == by_rating[2].score == 0.5
    assert [one.score for one in weigh(candidates, Weights(0, 1, 0))] == [0.5, 1.0, 0.0]
    assert [one.score for one in weigh(candidates, Weights(0, 0, 1))] == [0.5, 1.0, 0.25]
    assert [one.score for one in weigh(candidates, Weights(0, 0, 0))] == [0, 0, 0]
    words = weigh(candidates, Weights())[0].why
    assert words == "score 0.72: rating 0.88 × 1, price 0.50 × 0.5, speed 0.50 × 0.25; rated 1847 ±52 for code"
    assert "not rated yet" in weigh(candidates, Weights())[1].why


async def test_choices_in_the_history_lead_the_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text(
        '[routes.mine]\nstrategy = "yours"\nmodels = ["demo/echo", "demo/markdown"]\nyours = { price = 0, speed = 0 }\n'
    )
    asked = ChatRequest("mine", (Message.of("user", "Write a poem"),))
    async with open_app() as app:
        before = await app.router.explain(asked)
        assert [str(one.target) for one in before.candidates] == ["demo/echo", "demo/markdown"]
        for _ in range(1):
            session = app.session()
            async for _event in session.send("Write a poem", model="demo/echo"):
                pass
            first = session.head
            assert first is not None
            question = (await session.message(first)).parent_id
            assert question is not None
            async for _event in session.regenerate(question, model="demo/markdown"):
                pass
            async for _event in session.send("and another", model="demo/markdown"):
                pass
        app.costs.ratings.forget()
        after = await app.router.explain(asked)
        assert [str(one.target) for one in after.candidates] == ["demo/markdown", "demo/echo"]
        assert "× 1" in after.candidates[0].why
        assert "for writing" in after.candidates[0].why
        rated = await app.costs.ratings.of_kind("writing")
        assert rated[Target("demo", "markdown")].votes == 1
        assert len(await app.store.reader.read(answered_by_several)) == 1


async def test_choosing_in_compare_is_a_vote_and_leaving_it_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routerterm.engine.chat.comparison import Comparison

    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    async with open_app() as app:
        for index in (1, None):
            comparison = Comparison(app.session(), app.session, ("demo/echo", "demo/markdown"))
            async for _heard in comparison.ask("Write a poem"):
                pass
            await (comparison.take(0) if index is None else comparison.choose(index))
        rated = await app.costs.ratings.of_kind("")
        assert rated[Target("demo", "markdown")].votes == 1
        assert rated[Target("demo", "markdown")].strength > 0


async def test_a_comparison_that_is_stopped_before_its_first_step_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routerterm.engine.chat.comparison import Comparison

    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    async with open_app() as app:
        comparison = Comparison(app.session(), app.session, ("demo/echo", "demo/markdown"))

        async def hear() -> list[object]:
            return [heard async for heard in comparison.ask("Write a poem")]

        hearing = asyncio.ensure_future(hear())
        await asyncio.sleep(0)  # it has made the task of the first answer, which has not made a step
        assert comparison.stop()
        assert [heard.event for heard in await hearing] == [None]  # type: ignore[attr-defined]
        assert not comparison.is_written


async def test_votes_are_read_again_after_a_while(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.db")
    await store.start()
    now = [0.0]
    stored = StoredRatings(store, lambda: now[0])
    reads = 0
    plain = store.reader.read

    async def counted(job: object) -> object:
        nonlocal reads
        reads += 1
        return await plain(job)  # type: ignore[arg-type]

    store.reader.read = counted  # type: ignore[method-assign, assignment]
    for now[0] in (0.0, 30.0, 61.0, 62.0):
        assert await stored.of_kind("code") == {}
    assert reads == 2
    await store.close()


def test_the_picker_shows_the_rating_and_its_doubt() -> None:
    from routerterm.catalog.values import ModelInfo
    from routerterm.tui.screens.models.rows import COLUMNS, ModelChoices, model_row
    from routerterm.tui.themes.values import Glyphs

    model = ModelInfo("demo", "echo")
    row = model_row(
        model, ModelChoices(ratings={model.target: Rating(0.5, 0.5, 3, "code")}, keys={"demo": ""}), Glyphs()
    )
    shown = dict(zip((column.title for column in COLUMNS), row.cells, strict=True))
    assert shown["your rating"] == "1587 ±87"
    assert "you rate it 1587 ±87 for code, from 3 votes" in row.detail
    assert model_row(model, ModelChoices(), Glyphs()).cells[-1] == ""
