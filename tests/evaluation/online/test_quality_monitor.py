import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.answers.world import StillClock, WholeDrafts, World, passage
from trimtab.answers import ExtractiveGenerator, Question
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.records import Feedback, PipelineStage, Retrieved
from trimtab.answers.store import FeedbackStore, TraceStore, encode
from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.online import Canary, QualityMonitor, SampleStore
from trimtab.evaluation.online.canary import CanaryProbe, read_probes
from trimtab.evaluation.online.metrics import quality_metrics
from trimtab.evaluation.online.quality_monitor import MonitoredStores
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import Conflict, Unavailable

QUESTION = "How many entries does the query cache hold?"


class WordEmbedder:
    """Counts words: texts that share words are near. Stands for a model in place and time, not in quality."""

    def __init__(self, model_id="words"):
        self.model_id = model_id
        self.calls = 0

    def embed(self, texts):
        self.calls += 1
        rows = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split():
                row[sum(map(ord, word.strip("?.,"))) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Service:
    """Answers with stored traces, and a monitor of them."""

    def __init__(self, database, clock, embedder=None):
        self.traces, self.feedback = TraceStore(database), FeedbackStore(database)
        self.samples = SampleStore(database)
        self.world = World(clock=clock, traces=self.traces)
        self.stores = MonitoredStores(self.traces, self.feedback, self.samples)
        self.clock = clock
        self.monitor = self.monitor_with(embedder)

    def monitor_with(self, embedder=None, canary=None):
        return QualityMonitor(self.stores, self.clock, embedder=embedder, canary=canary)

    def ask(self, text=QUESTION, user_id="ann", times=1):
        for _ in range(times):
            answer = self.world.answer(Question("p", text, user_id=user_id))
        return answer


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def service(databases, clock):
    return Service(databases.open(("answers",)), clock, WordEmbedder())


def trace(**changes):
    world = World()
    found = world.traces.find(world.answer(Question("p", QUESTION)).trace_id)
    top = {key: changes.pop(key) for key in ("stages", "retrieved", "cost_usd") if key in changes}
    return replace(found, answer=replace(found.answer, **changes), **top)


def test_rates_are_shares_of_the_answers():
    window = [
        trace(),
        trace(found=False, retrieved=()),
        trace(found=False, blocked=True, stages=(PipelineStage("pii", 1.0, "blocked"),)),
        trace(degraded_mode=True, stages=(PipelineStage("generate", 5.0, "fallback"),)),
    ]
    found = quality_metrics(window, (3, 1))
    assert (found.empty_rate, found.not_found_rate, found.blocked_rate) == (0.25, 0.5, 0.25)
    assert (found.degraded_rate, found.fallback_rate, found.blocks) == (0.25, 0.25, {"pii": 0.25})
    assert (found.feedback_rate, found.helpful_rate) == (1.0, 0.75)


@pytest.mark.feature("F455")
def test_grounding_comes_from_the_guard_where_there_is_one():
    guarded = trace(
        stages=(PipelineStage("guard_answer", 1.0, "ok", {"scores": {"hallucination": 0.75}}),),
        model="m",
    )
    assert quality_metrics([guarded]).grounding_p50 == 0.25
    assert quality_metrics([trace(confidence=0.9, model="m")]).grounding_p50 == 0.9
    assert quality_metrics([trace(confidence=0.6)]).grounding_p50 == 1.0  # Quotes.


@pytest.mark.feature("F405", "F406")
def test_answers_under_085_count_as_hallucinations():
    window = [trace(confidence=c, model="m") for c in (0.84, 0.85)] + [trace(found=False)]
    assert quality_metrics(window).hallucination_rate == 0.5


def test_no_answers_say_nothing():
    found = quality_metrics([])
    assert found.answers == 0
    assert np.isnan(found.empty_rate)


def test_the_window_moves_and_a_restart_forgets_nothing(service, clock):
    service.ask(times=3)
    again = service.monitor_with()
    assert again.run_once().metrics.answers == 3
    clock.seconds += 3_700
    assert again.run_once().metrics.answers == 0


@pytest.mark.feature("F407", "F491")
def test_the_feedback_rate_survives_a_restart(service, clock):
    answer = service.ask(times=4)
    service.feedback.keep(Feedback("f1", answer.trace_id, "ann", clock.now(), helpful=True))
    again = service.monitor_with()
    assert again.run_once().metrics.feedback_rate == 0.25


@pytest.mark.feature("F404", "F468")
def test_a_fall_of_similarity_is_seen_against_the_pinned_baseline(service, clock):
    service.ask(times=40)
    assert np.isnan(service.monitor.run_once().cosine_ratio)
    service.monitor.pin_baseline("boss")
    assert service.monitor.run_once().cosine_ratio == pytest.approx(1.0, abs=0.01)
    clock.seconds += 3_700
    service.ask("How many entries, and who is the designer of that eviction rule there?", times=40)
    seen = service.monitor.run_once()
    assert seen.cosine_ratio < 0.9
    assert seen.drift.detected


def test_a_new_embedding_model_is_not_compared_with_the_old_ones_baseline(service):
    service.ask(times=40)
    service.monitor.run_once()
    service.monitor.pin_baseline("boss")
    service.monitor = service.monitor_with(WordEmbedder("other"))
    assert service.monitor.run_once().drift is None


def test_a_question_is_embedded_once(service):
    service.ask(times=3)
    service.monitor.run_once()
    calls = service.monitor._embedder.calls
    service.monitor.run_once()
    assert service.monitor._embedder.calls == calls == 3


def test_a_baseline_of_a_quiet_hour_is_refused(service):
    service.ask(times=3)
    service.monitor.run_once()
    with pytest.raises(Conflict, match="Only 3"):
        service.monitor.pin_baseline("boss")


def test_an_unpinned_baseline_gives_way_to_the_one_before(service):
    service.ask(times=40)
    service.monitor.run_once()
    first, second = service.monitor.pin_baseline("a"), service.monitor.pin_baseline("b")
    service.monitor.unpin_baseline(second)
    assert service.samples.baseline("retrieval").version == first
    assert service.samples.baseline("retrieval").actor == "a"


def test_an_embedder_that_is_down_leaves_the_other_figures(service):
    class Down(WordEmbedder):
        def embed(self, texts):
            raise Unavailable("The model is closed.")

    service.monitor = service.monitor_with(Down())
    service.ask()
    seen = service.monitor.run_once()
    assert seen.metrics.answers == 1
    assert np.isnan(seen.cosine_p50)


def test_an_erased_users_samples_go_and_do_not_come_back(service):
    service.ask(user_id="ann")
    kept = service.traces.since(service.monitor._clock.now() - timedelta(hours=1), 10)
    service.monitor.run_once()
    assert service.samples.count_user("ann") == 1
    service.traces.forget_user("ann")
    service.samples.forget_user("ann")
    service.monitor._sample(
        kept, service.monitor._embedder
    )  # A round that had read the traces before.
    assert service.samples.count_user("ann") == 0


class ByQuestion:
    def search(self, project, query, top_k, **_labels):
        if "broken" in query:
            raise Unavailable("The index is down.")
        names = {"first": ("a", "b"), "second": ("b", "a"), "none": ()}[query]
        return Retrieved(tuple(passage(document_name=name) for name in names))


@pytest.mark.feature("F475", "F622")
def test_the_canary_says_which_known_questions_lost_their_document():
    probes = [CanaryProbe("p", question, "a") for question in ("first", "second", "none", "broken")]
    report = Canary(ByQuestion(), probes).run()
    assert (report.recall, report.mean_reciprocal_rank) == (0.5, 0.375)
    assert report.missed == ("none", "broken")
    assert report.error == "The index is down."


def test_the_canary_is_part_of_each_round(service):
    service.monitor = service.monitor_with(
        canary=Canary(ByQuestion(), [CanaryProbe("p", "first", "a")])
    )
    assert service.monitor.run_once().canary.recall == 1.0


def test_probes_are_read_from_json_lines(tmp_path):
    file = tmp_path / "probes.jsonl"
    row = {"project": "p", "question": "q", "document_name": "d"}
    file.write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    assert read_probes(file) == [CanaryProbe("p", "q", "d")]


@pytest.mark.parametrize("line", ["{", "[]", '{"project": "p"}', "1"])
def test_lines_that_are_no_probes_are_refused(tmp_path, line):
    file = tmp_path / "probes.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(BadQuestionSet):
        read_probes(file)


def test_a_fallback_in_the_pipeline_shows_in_the_figures(service):
    class Broken(WholeDrafts):
        def generate(self, question, passages):
            raise GeneratorUnavailable("down")

    service.world.pipeline._generator = Broken()
    service.ask()
    service.world.pipeline._generator = ExtractiveGenerator()
    service.ask()
    assert service.monitor.run_once().metrics.fallback_rate == 0.5


def in_a_drill(service, text=QUESTION, times=1):
    with drill_traffic():
        return service.ask(text, user_id="", times=times)


def test_what_a_drill_asks_moves_no_figure_of_users(service):
    service.ask(times=3)
    in_a_drill(service, "Does it rain?", times=4)
    service.monitor.run_once()
    users, drills = (service.monitor.seen_of(drill=drill).metrics for drill in (False, True))
    assert (users.answers, drills.answers) == (3, 4)
    assert service.monitor.seen.metrics == users


def test_what_a_drill_asks_is_no_fall_of_similarity_and_no_drift_of_users(service, clock):
    service.ask(times=40)
    service.monitor.run_once()
    service.monitor.pin_baseline("boss")
    other = "How many entries, and who is the designer of that eviction rule there?"
    in_a_drill(service, other, times=40)
    service.monitor.run_once()
    users, drills = (service.monitor.seen_of(drill=drill) for drill in (False, True))
    assert (users.cosine_ratio, users.drift.detected) == (pytest.approx(1.0, abs=0.01), False)
    assert drills.cosine_ratio < 0.9
    assert drills.drift.detected


def test_a_drill_does_not_keep_a_users_question_from_being_sampled(service, clock):
    service.ask()
    clock.seconds += 1
    in_a_drill(service)
    service.monitor.run_once()
    model, since = service.monitor._embedder.model_id, clock.now() - timedelta(hours=1)
    sizes = [len(service.samples.since(since, model, drill=d)[1]) for d in (False, True)]
    assert sizes == [1, 1]


def test_the_mark_of_a_drill_is_kept_with_the_trace_and_only_there(service):
    marked, plain = in_a_drill(service), service.ask()
    assert service.traces.find(marked.trace_id).drill
    assert not service.traces.find(plain.trace_id).drill
    assert "drill" not in json.loads(encode(service.traces.find(plain.trace_id)))
