"""The requests that the operator makes itself when an idle service is to be judged."""

import pytest

from trimtab.app.handbook import HANDBOOK
from trimtab.app.operator_ports import PROBE, OwnQuestions
from trimtab.kernel.errors import TrimtabError


def test_the_service_is_searched_and_asked_once_and_the_trace_says_by_whom(app):
    app.knowledge.ingest_text(HANDBOOK, "a.md", "# Model\n\nQueries are answered by keywords.")
    before = app.answers.counters.count("given")
    OwnQuestions(app.knowledge, app.answers)()
    (trace,) = app.answers.traces.recent(1)
    assert (trace.user_id, trace.answer.project) == (PROBE, HANDBOOK)
    assert app.answers.counters.count("given") == before + 1


def test_a_service_without_its_handbook_is_not_said_to_answer(app):
    with pytest.raises(TrimtabError):
        OwnQuestions(app.knowledge, app.answers)()
