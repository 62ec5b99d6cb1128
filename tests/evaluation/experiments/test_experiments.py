from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.world import CACHE_TEXT, FixedRetriever, StillClock, WholeDrafts, World, passage
from trimtab.answers import AnswerPipeline, ExtractiveGenerator, Question, Retrieved
from trimtab.answers.budgets import Budget, BudgetStore
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.records import Trace
from trimtab.answers.store import TraceStore
from trimtab.evaluation.experiments import PairStore, Shadow
from trimtab.evaluation.experiments.candidate import BudgetedCandidate, CandidatePipeline
from trimtab.evaluation.experiments.pairs import report
from trimtab.evaluation.experiments.replay import replay
from trimtab.evaluation.statistics import paired_interval
from trimtab.kernel.errors import Unavailable

QUESTIONS = ("How many entries does the query cache hold?", "Who designed the eviction rule?")


class Nothing:
    def search(self, project, query, top_k, **_labels):
        return Retrieved(())


class Down:
    def search(self, project, query, top_k, **_labels):
        raise Unavailable("down")


class Costly(WholeDrafts):
    def generate(self, question, passages):
        draft = ExtractiveGenerator().quote(question, passages)
        return replace(draft, usage=replace(draft.usage, cost_usd=0.004))


def candidate(retriever=None, generator=None, name="candidate"):
    retriever = retriever or FixedRetriever(passage())
    pipeline = AnswerPipeline(retriever, generator or ExtractiveGenerator(), StillClock())
    return CandidatePipeline(name, pipeline)


def traces(times=1, user_id="ann") -> list[Trace]:
    world = World()
    for text in QUESTIONS * times:
        world.answer(Question("p", text, user_id=user_id))
    return world.traces.recent(100)


def test_the_same_configuration_changes_nothing():
    found = replay(traces(), candidate())
    assert (found.changed, found.errors, found.verdict) == ((), (), "unclear")
    assert found.summary.shared_sources == 1.0


def test_a_configuration_that_finds_nothing_is_worse_and_says_for_which_questions():
    past = traces(10)
    found = replay(past, candidate(Nothing()))
    assert (found.verdict, found.summary.found_lost) == ("worse", 20)
    assert {pair.trace_id for pair in found.changed} == {trace.id for trace in past}
    assert found.summary.found.high < 0


def test_a_configuration_that_finds_more_is_better():
    world = World()
    world.retriever.retrieved = Retrieved(())
    for text in QUESTIONS * 10:
        world.answer(Question("p", text))
    assert replay(world.traces.recent(100), candidate()).verdict == "better"


def test_other_documents_with_the_same_words_are_seen_as_other_sources():
    found = replay(traces(), candidate(FixedRetriever(passage(chunk_id="c9"))))
    assert (found.summary.shared_sources, found.summary.changed_text) == (0.0, 0)


def test_a_configuration_that_fails_is_reported_with_its_code():
    found = replay(traces(), candidate(Down()))
    assert {code for _, code in found.errors} == {"trimtab.unavailable"}
    assert found.verdict == "worse"
    assert (found.summary.shared_sources, found.summary.duration_ratio) == (None, None)


def test_a_candidate_knows_no_user():
    assert candidate().trace(Question("p", QUESTIONS[0])).user_id == ""


@pytest.fixture
def database(databases):
    return databases.open(("answers",))


def shadow(database, configuration=None, share=1.0, limit=1.0, worst=0.01):
    store = TraceStore(database)
    world = World(traces=store)
    budget = Budget("shadow", limit, "day", BudgetStore(database), StillClock())
    own = Shadow(
        BudgetedCandidate(configuration or candidate(generator=Costly()), budget, worst),
        store,
        PairStore(database),
        share,
        StillClock(),
    )
    world.events.subscribe("answers.given", own.on_answer)
    return own, world


def ask(world, times=1, user_id="ann"):
    for text in QUESTIONS * times:
        world.answer(Question("p", text, user_id=user_id))


def test_a_shadow_answers_beside_and_is_compared_in_pairs(database):
    own, world = shadow(database)
    ask(world, 5)
    assert own.run_waiting() == 10
    found = report(PairStore(database).of("candidate"))
    assert (found.n, found.cost_usd.mean, found.changed_text) == (10, 0.004, 0)


def test_only_the_chosen_share_is_tried(database):
    own, world = shadow(database, share=0.0)
    ask(world, 5)
    assert own.run_waiting() == 0


@pytest.mark.feature("F489")
def test_the_shadow_stops_when_its_budget_is_used_up_and_answers_go_on(database):
    own, world = shadow(database, limit=0.012, worst=0.004)
    ask(world, 5)
    own.run_waiting()
    assert own.counts == {"tried": 3, "over_budget": 7}
    assert own._candidate.budget.standing().spent_usd == pytest.approx(0.012)
    assert len(TraceStore(database).recent(100)) == 10


def test_a_shadow_that_fails_is_counted_and_costs_what_was_reserved(database):
    own, world = shadow(database, candidate(Down()))
    ask(world)
    own.run_waiting()
    assert own.counts == {"failed": 2}
    assert own._candidate.budget.standing().spent_usd == pytest.approx(0.02)


def test_what_does_not_fit_into_the_queue_is_dropped_and_counted(database):
    own, world = shadow(database)
    ask(world, 60)
    assert own.counts["dropped"] == 20


def test_an_erased_users_pairs_go_and_do_not_come_back(database):
    own, world = shadow(database)
    ask(world)
    own.run_waiting()
    pairs, (kept, *_) = PairStore(database), TraceStore(database).recent(9)
    assert pairs.count_user("ann") == 2
    TraceStore(database).forget_user("ann")
    pairs.forget_user("ann")
    (pair,) = replay([kept], candidate()).pairs
    pairs.keep("candidate", pair, "ann", kept.answer.created_at)
    assert pairs.count_user("ann") == 0


def test_no_pair_holds_any_text(database):
    own, world = shadow(database)
    ask(world)
    own.run_waiting()
    database.scrub()
    with database.read() as connection:
        bodies = connection.exec_driver_sql("select body from shadow_pairs").scalars().all()
    assert len(bodies) == 2
    assert not any("cache" in body or CACHE_TEXT[:20] in body for body in bodies)


def test_a_candidate_whose_model_is_down_is_compared_by_its_fallback(database):
    class Broken(WholeDrafts):
        def generate(self, question, passages):
            raise GeneratorUnavailable("down")

    own, world = shadow(database, candidate(generator=Broken()))
    ask(world)
    own.run_waiting()
    assert {pair.tried.model for pair in PairStore(database).of("candidate")} == {"extractive"}


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_the_mean_lies_in_its_interval_and_the_interval_in_the_values(values):
    found = paired_interval(values)
    assert found.low - 1e-6 <= found.mean <= found.high + 1e-6
    assert min(values) - 1e-6 <= found.low <= found.high <= max(values) + 1e-6


def test_no_pairs_have_no_interval():
    assert paired_interval([]).mean is None
