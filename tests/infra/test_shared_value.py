"""A value that processes share is published until the others have it."""

import pytest

from trimtab.infra.fleet.shared import SharedValue
from trimtab.kernel.errors import Unavailable


def test_a_change_that_could_not_be_published_is_published_by_the_next_round():
    state, sent = {"on": False}, []
    value = SharedValue("service.switch", lambda: dict(state), state.update)
    value.note_current()

    def fail(_name, _value):
        raise Unavailable("The database does not answer.")

    state["on"] = True
    with pytest.raises(Unavailable):
        value.publish(fail)
    value.publish(lambda *given: sent.append(given))
    value.publish(lambda *given: sent.append(given))
    assert sent == [("service.switch", {"on": True})]


def test_what_another_process_sent_is_not_sent_back():
    state, sent = {"on": False}, []
    value = SharedValue("service.switch", lambda: dict(state), state.update)
    value.note_current()
    value.adopt({"on": True})
    value.publish(lambda *given: sent.append(given))
    assert (state, sent) == ({"on": True}, [])
