"""Ids of requests are unique and in the order of time, so that an index of them grows at its end."""

import time

from trimtab.infra.web.request_id import new_request_id, request_id_of


def test_ten_thousand_ids_are_different():
    assert len({new_request_id() for _ in range(10_000)}) == 10_000


def test_an_id_is_later_than_one_of_an_earlier_millisecond(monkeypatch):
    now = time.time_ns()
    found = []
    for milliseconds in (0, 1, 5_000, 10**10):
        monkeypatch.setattr(time, "time_ns", lambda at=milliseconds: now + at * 1_000_000)
        found.append(new_request_id())
    assert found == sorted(found)
    assert {len(each) for each in found} == {24}


def test_a_request_keeps_its_id():
    scope = {}
    assert request_id_of(scope) == request_id_of(scope)
