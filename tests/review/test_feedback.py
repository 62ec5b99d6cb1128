"""The feedback queue: validation, batches of fifty, candidates that wait for a person."""

from collections import Counter

import pytest

from trimtab.review.errors import CandidateUnknown
from trimtab.review.feedback_store import CandidateState
from trimtab.review.records import FEEDBACK_QUEUE


def outcomes(world):
    world.reviews.collect()
    return world.reviews.feedback_outcomes()


def proposed(world):
    return world.reviews.feedback.candidates(CandidateState.PROPOSED, limit=1000)


@pytest.mark.feature("F281")
def test_feedback_is_validated_before_anything_is_made_of_it(world):
    world.answers.put("t1")
    world.answers.put("t2")
    world.answers.say(1, "t1", "bob")
    world.answers.say(2, "t1", "bob")  # The same again.
    world.answers.say(3, "t2", "bob")
    world.answers.say(4, "t2", "bob", helpful=False)  # The contrary.
    world.answers.say(5, "t1", "")  # From no one.
    world.answers.say(6, "gone", "bob")  # About an erased answer.
    assert outcomes(world) == {
        "accepted": 2, "duplicate": 1, "contradictory": 1, "nobody": 1, "erased": 1,
    }  # fmt: skip
    assert {each.trace_id for each in proposed(world)} == {"t1", "t2"}


def test_more_than_ten_in_a_minute_is_spam(world):
    at = world.clock.now()
    for number in range(11):
        world.answers.put(f"t{number}")
        world.answers.say(number, f"t{number}", "bob", at=at)
    # All eleven fall into one minute; without the eleventh none would be spam.
    assert outcomes(world) == {"spam": 11}


def test_ten_in_a_minute_are_accepted(world):
    at = world.clock.now()
    for number in range(10):
        world.answers.put(f"t{number}")
        world.answers.say(number, f"t{number}", "bob", at=at)
    assert outcomes(world) == {"accepted": 10}


@pytest.mark.feature("F277")
def test_a_batch_has_fifty_items(world):
    for number in range(51):
        world.answers.put(f"t{number}")
        world.answers.say(number, f"t{number}", f"user{number}")
    world.reviews.feedback.add(world.answers.new, world.clock.now())
    assert world.reviews.processor.process_feedback_batch().size == 50
    assert world.depth(FEEDBACK_QUEUE) == 1
    assert world.reviews.processor.process_feedback_batch().size == 1


def test_ten_thousand_items_in_a_minute_are_processed_and_none_is_lost(world):
    at = world.clock.now()
    world.answers.put("t1")
    for number in range(10_000):
        world.answers.say(number, "t1", "flood", at=at)
    assert outcomes(world) == {"spam": 10_000}
    assert proposed(world) == []


def test_feedback_becomes_candidates_that_a_person_decides(world):
    world.answers.put("good")
    world.answers.put("blocked", blocked=True, found=False, guards=("injection",))
    world.answers.say(1, "good")
    world.answers.say(2, "blocked", helpful=False)
    world.reviews.collect()
    kinds = Counter(each.kind for each in proposed(world))
    assert kinds == {"training_row": 1, "golden": 1, "guard_label": 1}
    label = next(each for each in proposed(world) if each.kind == "guard_label")
    assert label.body["wrongly_blocked"] is True
    assert world.reviews.feedback.candidates(CandidateState.APPROVED) == []
    world.reviews.decide(label.id, approve=True, by="ann")
    assert [e.id for e in world.reviews.feedback.candidates(CandidateState.APPROVED)] == [label.id]
    with pytest.raises(CandidateUnknown):
        world.reviews.decide(label.id, approve=False, by="bob")


def test_a_disputed_block_and_an_unhelpful_answer_are_reviewed_first(world):
    world.answers.put("bad")
    world.answers.put("blocked", blocked=True)
    world.answers.say(1, "bad", helpful=False, comment="wrong year")
    world.answers.say(2, "blocked", helpful=False)
    world.reviews.collect()
    found = {item.subject: (item.source, item.reason) for item in world.reviews.items.open_items()}
    assert found == {"bad": ("answer", "unhelpful"), "blocked": ("guard", "disputed_block")}


def test_a_batch_that_is_repeated_after_a_crash_makes_nothing_twice(world, monkeypatch):
    world.answers.put("bad")
    world.answers.say(1, "bad", helpful=False)
    store = world.reviews.feedback
    store.add(world.answers.new, world.clock.now())
    finish = store.finish

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "finish", crash)
    with pytest.raises(KeyboardInterrupt):
        world.reviews.processor.process()
    monkeypatch.setattr(store, "finish", finish)
    world.reviews.processor.process()
    assert (len(world.reviews.items.open_items()), len(proposed(world))) == (1, 1)


def test_an_erased_user_leaves_neither_feedback_nor_candidates(world):
    world.answers.put("t1", owner="ann")
    world.answers.say(1, "t1", "bob")
    world.reviews.collect()
    step = next(s for s in world.reviews.personal_data() if s.name == "review.feedback")
    assert (step.count("bob"), step.count("ann"), step.count("")) == (1, 2, 0)
    step.erase("ann")
    step.erase("bob")
    assert (proposed(world), world.reviews.feedback_outcomes()) == ([], {})
