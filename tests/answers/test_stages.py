import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from tests.answers.world import CACHE_TEXT, Sentences, StillClock, WholeDrafts, World, passage
from trimtab.answers import Draft, ExtractiveGenerator, Question, Retrieved, Usage
from trimtab.answers.budgets import Budget, BudgetStore, Price
from trimtab.answers.deadlines import Deadlines, RetrievalStage, TimedGenerator
from trimtab.answers.drafts import DraftSentence, Restart, last_draft, sentences_of, with_sentences
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.generation import CachedGenerator, FallbackGenerator
from trimtab.answers.generators import MeteredGenerator
from trimtab.kernel.errors import DeadlineExceeded, Unavailable

ASK = "How many entries does the query cache hold?"


def written(generator, question=ASK, passages=None):
    return last_draft(generator.stream(question, (passage(),) if passages is None else passages))


class Scripted(WholeDrafts):
    """Fails or answers as told, and counts its calls."""

    def __init__(self, *outcomes, model="scripted", usage=None):
        self.outcomes = list(outcomes)
        self.calls = 0
        self.model = model
        self.usage = usage or Usage(100, 20)

    def generate(self, question, passages):
        self.calls += 1
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        if outcome != "ok":
            raise GeneratorUnavailable(outcome)
        draft = ExtractiveGenerator().quote(question, passages)
        return replace(draft, model=self.model, usage=self.usage)


class Hanging(WholeDrafts):
    def __init__(self):
        self.released = threading.Event()

    def generate(self, question, passages):
        self.released.wait(30)
        raise GeneratorUnavailable("late")

    def search(self, project, query, top_k, **_labels):
        self.released.wait(30)
        return Retrieved(())


@pytest.fixture
def hanging():
    hanging = Hanging()
    yield hanging
    hanging.released.set()


def chain(*generators, clock=None, **options):
    named = [(g.model, g) for g in generators]
    return FallbackGenerator(named, clock or StillClock(), **options)


def test_the_second_model_answers_when_the_first_is_down_and_the_notice_says_why():
    first, second = Scripted("The model failed: APIError.", model="a"), Scripted(model="b")
    draft = written(chain(first, second))
    assert (draft.model, draft.notice) == ("b", "The model failed: APIError.")


def test_with_all_models_down_the_pipeline_quotes():
    world = World(generator=chain(Scripted("x", model="a"), Scripted("y", model="b")))
    answer = world.answer(Question("p", ASK))
    assert (answer.model, answer.notice, answer.found) == ("extractive", "y", True)


def test_a_model_that_keeps_failing_rests_and_is_tried_again_afterwards():
    clock = StillClock()
    first, second = Scripted(*"123", model="a"), Scripted(model="b")
    models = chain(first, second, clock=clock, failures=3, open_seconds=30)
    for _ in range(5):
        written(models)
    assert (first.calls, second.calls, models.resting("a")) == (3, 5, True)
    clock.seconds += 31
    assert written(models).model == "a"
    assert not models.resting("a")


def test_one_failure_in_between_does_not_add_up():
    first = Scripted("x", "ok", "x", "ok", "x", "ok", model="a")
    models = chain(first, Scripted(model="b"))
    for _ in range(6):
        written(models)
    assert first.calls == 6


def test_a_generator_that_hangs_is_given_up(hanging):
    timed = TimedGenerator(hanging, Deadlines(), 0.05)
    with pytest.raises(GeneratorUnavailable, match=r"longer than 0\.05 s"):
        written(timed, passages=())


def test_what_a_timed_call_raises_is_raised():
    timed = TimedGenerator(Scripted("broken"), Deadlines(), 30)
    with pytest.raises(GeneratorUnavailable, match="broken"):
        written(timed)


def test_calls_that_were_given_up_cannot_pile_up(hanging):
    deadlines = Deadlines(max_running=2)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded, match="longer"):
            deadlines.run("generate", 0.01, lambda: hanging.generate(ASK, ()))
    with pytest.raises(DeadlineExceeded, match="Too many"):
        deadlines.run("generate", 0.01, lambda: hanging.generate(ASK, ()))


def test_late_retrieval_falls_back_and_is_marked_as_degraded(hanging):
    fallback = World().retriever
    timed = RetrievalStage(hanging, Deadlines(), 0.05, fallback)
    assert timed.search("p", ASK, 5).degraded_mode


def test_late_retrieval_without_fallback_is_an_error(hanging):
    timed = RetrievalStage(hanging, Deadlines(), 0.05)
    with pytest.raises(Unavailable):
        timed.search("p", ASK, 5)


def test_timely_retrieval_is_as_it_was():
    timed = RetrievalStage(World().retriever, Deadlines(), 30)
    assert timed.search("p", ASK, 5) == World().retriever.retrieved


@pytest.fixture
def database(databases):
    return databases.open(("answers",))


def metered(database, generator, limit=1.0, **options):
    budget = Budget("answers", limit, "day", BudgetStore(database), StillClock())
    return MeteredGenerator(generator, Price(1.0, 2.0), budget, **options)


def test_a_draft_carries_its_cost_and_the_budget_counts_it(database):
    own = metered(database, Scripted())
    assert written(own).usage.cost_usd == pytest.approx(140 / 1e6)
    standing = own.budget.standing()
    assert (standing.spent_usd, standing.reserved_usd) == (pytest.approx(140 / 1e6), 0.0)


def test_an_exhausted_budget_falls_back_to_quotes_without_a_call(database):
    generator = Scripted()
    world = World(generator=metered(database, generator, limit=0.0001))
    answer = world.answer(Question("p", ASK))
    assert (answer.model, generator.calls) == ("extractive", 0)
    assert "used up" in answer.notice


def test_a_failed_call_is_settled_with_its_input(database):
    own = metered(database, Scripted("broken"))
    with pytest.raises(GeneratorUnavailable):
        written(own)
    standing = own.budget.standing()
    assert 0 < standing.spent_usd < 0.01
    assert standing.reserved_usd == 0


def test_the_cost_of_an_answer_is_in_its_trace(database):
    world = World(generator=metered(database, Scripted()))
    answer = world.answer(Question("p", ASK))
    assert world.traces.find(answer.trace_id).cost_usd == pytest.approx(140 / 1e6)


def test_the_same_question_over_the_same_passages_is_written_once_and_costs_once():
    generator = Scripted()
    cached = CachedGenerator(generator, "v1")
    first, second = (written(cached) for _ in range(2))
    assert (generator.calls, second.usage) == (1, Usage())
    assert replace(second, usage=first.usage) == first
    assert (cached.hits, cached.misses) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        passage(CACHE_TEXT.replace("100", "200")),
        passage(document_id="d2"),
        passage(chunk_id="c2"),
        passage(start=1),
    ],
)
def test_another_passage_is_another_question(other):
    generator = Scripted()
    cached = CachedGenerator(generator, "v1")
    written(cached)
    written(cached, passages=(other,))
    assert generator.calls == 2


def test_a_fallbacks_draft_is_not_remembered():
    models = chain(Scripted("down", model="a"), Scripted(model="b"))
    cached = CachedGenerator(models, "v1")
    assert written(cached).model == "b"
    assert written(cached).model == "a"


def test_a_cleared_cache_has_forgotten_everything():
    cached = CachedGenerator(Scripted(), "v1")
    written(cached)
    assert (cached.clear(), len(cached)) == (1, 0)


def test_a_cache_of_no_entries_keeps_none():
    cached = CachedGenerator(Scripted(), "v1", entries=0)
    written(cached)
    assert len(cached) == 0


def test_a_found_nothing_draft_streams_no_sentence():
    draft = Draft("Not there.", (), "m", 0.0)
    assert list(with_sentences([draft])) == [draft]


def test_a_stream_that_says_nothing_more_is_given_up_at_the_deadline_and_not_at_the_next_sentence():
    over = threading.Event()

    class Dribble:
        def stream(self, question, passages):
            yield from sentences_of(ExtractiveGenerator().quote(question, passages))
            over.wait(30)  # Bytes come, but never a sentence.
            yield Draft("", (), "late", 0.0)

    timed = TimedGenerator(Dribble(), Deadlines(), 0.2)
    said = timed.stream("How many entries does the query cache hold?", (passage(),))
    assert "100 entries" in next(said).text
    with pytest.raises(GeneratorUnavailable):
        list(said)
    assert not over.is_set()
    over.set()


def test_half_open_lets_exactly_one_of_many_callers_try():
    """Twenty at once after the rest: one waits for the generator that was down, the others have the next one's draft."""
    clock, trying, answered = StillClock(), Hanging(), threading.Semaphore(0)
    calls = []

    class Down(WholeDrafts):
        model = "a"

        def generate(self, question, passages):
            calls.append(question)
            if question == "later":
                trying.generate(question, passages)
            raise GeneratorUnavailable("down")

    models = chain(Down(), Scripted(model="b"), clock=clock, failures=1, open_seconds=30)
    written(models, "first")
    clock.seconds += 31

    def ask():
        written(models, "later")
        answered.release()

    callers = [threading.Thread(target=ask) for _ in range(20)]
    for caller in callers:
        caller.start()
    others = sum(answered.acquire(timeout=10) for _ in range(19))
    trying.released.set()
    for caller in callers:
        caller.join()
    assert (calls, others) == (["first", "later"], 19)


class BreaksOff(WholeDrafts):
    """Fails after its first sentence."""

    model = "a"

    def stream(self, question, passages):
        yield DraftSentence("It holds", ())
        raise GeneratorUnavailable("broke off")


def test_a_generator_that_breaks_off_gives_way_to_the_next_one_with_a_restart():
    first, restart, draft = chain(BreaksOff(), Scripted(model="b")).stream(ASK, (passage(),))
    assert (first.text, restart) == ("It holds", Restart("broke off"))
    assert (draft.model, draft.notice) == ("b", "broke off")


def test_sentences_come_once_whether_the_generator_streams_or_not():
    class Whole(WholeDrafts):
        def generate(self, question, passages):
            return ExtractiveGenerator().quote(question, passages)

    class Streams(Sentences, Whole):
        pass

    whole, streams = (
        list(with_sentences(generator.stream(ASK, (passage(),))))
        for generator in (Whole(), Streams())
    )
    assert whole == streams
    assert len(whole) > 1


def test_a_timed_out_call_of_its_own_is_not_taken_for_the_deadline():
    def call():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        Deadlines().run("retrieve", 30, call)


def test_a_call_that_never_returns_does_not_delay_the_end_of_the_process():
    program = (
        "import threading\n"
        "from trimtab.answers.deadlines import Deadlines\n"
        "from trimtab.kernel.errors import DeadlineExceeded\n"
        "try:\n    Deadlines().run('x', 0.05, threading.Event().wait)\n"
        "except DeadlineExceeded:\n    print('late')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "late\n"


def test_many_calls_in_turn_share_one_thread():
    deadlines = Deadlines()
    names = {deadlines.run("x", 30, lambda: threading.current_thread().name) for _ in range(20)}
    assert len(names) == 1
