from dataclasses import replace
from datetime import timedelta

import pytest

from tests.answers.world import World
from tests.databases import open_at
from trimtab.answers import Question
from trimtab.answers.errors import TraceUnknown
from trimtab.answers.records import Feedback
from trimtab.answers.store import FeedbackStore, TraceStore

pytestmark = pytest.mark.usefixtures("databases")


@pytest.fixture
def database(tmp_path):
    database = open_at(tmp_path / "state.db", ("answers",))
    yield database
    database.close()


def a_trace(user_id="ann", project="p"):
    world = World()
    answer = world.answer(
        Question(project, "How many entries does the query cache hold?", user_id=user_id)
    )
    return world.traces.find(answer.trace_id)


def thumb(trace, feedback_id="f1", user_id="ann", helpful=True):
    return Feedback(feedback_id, trace.id, user_id, trace.answer.created_at, helpful, "good")


def test_a_trace_comes_back_as_it_was_kept(database):
    trace = a_trace()
    TraceStore(database).keep(trace)
    assert TraceStore(database).find(trace.id) == trace


def test_an_unknown_trace_says_so(database):
    with pytest.raises(TraceUnknown):
        TraceStore(database).find("trace_none")


def test_recent_traces_come_newest_first_and_by_project(database):
    first, second = a_trace(project="p"), a_trace(project="q")
    second = replace(
        second,
        answer=replace(second.answer, created_at=first.answer.created_at + timedelta(hours=1)),
    )
    store = TraceStore(database)
    store.keep(second)
    store.keep(first)
    assert [t.id for t in store.recent(10)] == [second.id, first.id]
    assert [t.id for t in store.recent(10, project="p")] == [first.id]
    assert len(store.recent(1)) == 1


def test_old_traces_go_with_their_feedback(database):
    trace = a_trace()
    TraceStore(database).keep(trace)
    FeedbackStore(database).keep(thumb(trace))
    later = trace.answer.created_at + timedelta(days=31)
    assert TraceStore(database).drop_older_than(30, later) == 1
    assert FeedbackStore(database).of_trace(trace.id) == []


def test_feedback_is_kept_with_its_trace_and_counted(database):
    trace = a_trace()
    TraceStore(database).keep(trace)
    FeedbackStore(database).keep(thumb(trace))
    FeedbackStore(database).keep(thumb(trace, "f2", helpful=False))
    assert FeedbackStore(database).of_trace(trace.id)[0] == thumb(trace)
    assert FeedbackStore(database).counts_since(trace.answer.created_at) == (1, 1)
    assert FeedbackStore(database).counts_since(trace.answer.created_at + timedelta(1)) == (0, 0)


def test_feedback_on_an_unknown_trace_is_refused(database):
    with pytest.raises(TraceUnknown):
        FeedbackStore(database).keep(thumb(a_trace()))


def test_forgetting_a_user_takes_the_users_traces_and_all_feedback_on_them(database):
    hers, his = a_trace("ann"), a_trace("bob")
    for trace in (hers, his):
        TraceStore(database).keep(trace)
    FeedbackStore(database).keep(thumb(hers, "f1", user_id="bob"))
    FeedbackStore(database).keep(thumb(his, "f2", user_id="ann"))
    FeedbackStore(database).keep(thumb(his, "f3", user_id="bob"))
    assert FeedbackStore(database).forget_user("ann") == 2
    assert TraceStore(database).forget_user("ann") == 1
    assert [t.id for t in TraceStore(database).recent(10)] == [his.id]
    assert [f.id for f in FeedbackStore(database).of_trace(his.id)] == ["f3"]
