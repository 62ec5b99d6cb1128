import pytest

from tests.answers.world import WholeDrafts, World, passage
from trimtab.answers import Question
from trimtab.answers.errors import (
    BadProjectName,
    BadTopK,
    EmptyQuery,
    GeneratorUnavailable,
    QueryTooLong,
)

ASK = Question("handbook", "How many entries does the query cache hold?")


class BrokenGenerator(WholeDrafts):
    def generate(self, question, passages):
        raise GeneratorUnavailable("The model failed: APITimeoutError.")


def test_the_answer_quotes_the_sentence_that_holds_it():
    answer = World().answer(ASK)
    assert answer.found
    assert answer.citations[0].quote == "The query cache holds 100 entries by default."
    assert "[1]" in answer.text


def test_a_question_that_the_documents_do_not_hold_is_answered_not_found():
    answer = World().answer(Question("handbook", "Who won the football cup in Brazil?"))
    assert (answer.found, answer.citations, answer.confidence) == (False, (), 0.0)
    assert "do not answer" in answer.text


@pytest.mark.parametrize(("degraded", "said"), [(True, True), (False, False)])
def test_not_found_says_when_only_words_were_compared(degraded, said):
    answer = World(degraded_mode=degraded).answer(Question("handbook", "Who won the football cup?"))
    assert not answer.found
    assert ("Only words were compared" in answer.notice) is said


def test_an_answer_that_is_found_while_degraded_needs_no_such_notice():
    answer = World(degraded_mode=True).answer(ASK)
    assert (answer.found, answer.notice) == (True, "")


def test_no_passages_at_all_is_not_found():
    world = World()
    world.retriever.retrieved = type(world.retriever.retrieved)(())
    assert not world.answer(ASK).found


@pytest.mark.feature("F605")
@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_a_blank_query_is_refused_in_the_contracts_words(text):
    with pytest.raises(EmptyQuery, match=r"^Query cannot be empty$"):
        World().answer(Question("p", text))


@pytest.mark.feature("F604")
def test_1000_characters_are_accepted_and_1001_are_not():
    world = World()
    world.answer(Question("p", "x" * 1000))
    with pytest.raises(QueryTooLong):
        world.answer(Question("p", "x" * 1001))


@pytest.mark.feature("F607")
def test_the_query_is_stripped_before_it_is_measured_and_searched():
    world = World()
    world.answer(Question("p", "  " + "x" * 1000 + "\n"))
    assert world.retriever.asked == [("p", "x" * 1000, 5)]


@pytest.mark.feature("F606")
@pytest.mark.parametrize("project", ["", "a b", "../x", "päper", "a\n", "x" * 101])
def test_a_project_name_outside_the_allowed_characters_is_refused(project):
    with pytest.raises(BadProjectName):
        World().answer(Question(project, "anything"))


@pytest.mark.parametrize("top_k", [0, -1, 101])
def test_top_k_out_of_range_is_refused(top_k):
    with pytest.raises(BadTopK):
        World().answer(Question("p", "anything", top_k))


def test_degraded_retrieval_marks_the_answer_its_trace_and_its_event():
    world = World(degraded_mode=True)
    answer = world.answer(ASK)
    assert answer.degraded_mode
    assert world.traces.find(answer.trace_id).stages[0].outcome == "degraded"
    assert world.heard[0].degraded_mode


def test_the_trace_tells_stages_passages_and_index_version():
    world = World(index_version="v7")
    answer = world.answer(ASK)
    trace = world.traces.find(answer.trace_id)
    assert [stage.name for stage in trace.stages] == ["retrieve", "generate"]
    assert all(stage.duration_ms > 0 for stage in trace.stages)
    assert (trace.retrieved, trace.index_version, trace.answer) == ((("c1", 1.0),), "v7", answer)


def test_answers_given_is_published_once_without_the_question_text():
    world = World()
    answer = world.answer(ASK)
    assert [(event.name, event.subject) for event in world.heard] == [("answers.given", answer.id)]
    assert ASK.text not in str(world.heard[0])


def test_an_unavailable_generator_falls_back_to_quotes_and_says_why():
    world = World(generator=BrokenGenerator())
    answer = world.answer(ASK)
    assert answer.found
    assert (answer.model, answer.notice) == ("extractive", "The model failed: APITimeoutError.")
    assert world.traces.find(answer.trace_id).stages[1].outcome == "fallback"


def test_citations_point_into_the_document_not_into_the_passage():
    document = "x" * 500 + passage().text
    answer = World(passage(start=500)).answer(ASK)
    quoted = answer.citations[0]
    assert document[quoted.start : quoted.end] == quoted.quote


def test_the_pipeline_stores_nothing_and_publishes_nothing():
    world = World()
    result = world.pipeline.answer(ASK)
    assert (world.heard, world.traces.recent(1)) == ([], [])
    assert (result.answer.id, result.trace.id) == (result.trace.answer.id, result.answer.trace_id)
