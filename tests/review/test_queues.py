"""Review items: priority, leases, annotations, adjudication, archives and erasure."""

import pytest

from tests.review.world import BAD, GOOD, WRONGLY_BLOCKED, Source, candidate
from trimtab.review.errors import (
    ArchiveRestored,
    BadAnnotation,
    ItemClosed,
    ItemNotLeased,
    ItemTaken,
    LeaseEnded,
    ReviewItemUnknown,
    ReviewQueueUnknown,
)
from trimtab.review.ports import AnnotationDraft
from trimtab.review.records import FEEDBACK_QUEUE, ItemState, ReviewQueue, ReviewVerdict


@pytest.mark.parametrize(
    ("reason", "queue"),
    [
        ("bypassed", "review_queue:high_priority"),
        ("unhelpful", "review_queue:high_priority"),
        ("low_grounding", "review_queue:high_priority"),
        ("disputed_block", "review_queue:high_priority"),
        ("gate", "review_queue:high_priority"),
        ("low_confidence", "review_queue:normal_priority"),
        ("not_found", "review_queue:normal_priority"),
        ("sample", "review_queue:low_priority"),
    ],
)
def test_the_reason_decides_the_queue(world, reason, queue):
    world.queue("t1", reason=reason)
    assert world.reviews.find("t1").queue == queue


def test_the_most_urgent_item_comes_first_then_the_oldest(world):
    for subject, reason in (("low", "sample"), ("late", "unhelpful"), ("later", "unhelpful")):
        world.queue(subject, reason=reason)
        world.clock.advance(1)
    order = [world.reviews.next("ann").subject for _ in range(2)]
    assert order == ["late", "late"]
    assert [world.reviews.next(name).subject for name in ("bob", "eve")] == ["later", "low"]


def test_a_repeated_source_queues_an_item_once_and_raises_its_priority(world_of):
    first = candidate("t1", "sample")
    world = world_of(Source(first))
    assert (world.reviews.collect(), world.reviews.collect()) == (1, 0)
    world.reviews.enqueue([candidate("t1", "unhelpful")])
    world.reviews.enqueue([candidate("t1", "sample")])
    item = world.reviews.find("t1")
    assert (item.queue, item.reason) == (ReviewQueue.HIGH, "unhelpful")


def test_an_item_is_shown_to_one_person_until_the_lease_ends(world):
    world.queue("t1")
    assert world.reviews.next("ann").subject == "t1"
    assert world.reviews.next("bob") is None
    world.clock.advance(30 * 60 - 1)
    assert world.reviews.next("bob") is None
    world.clock.advance(1)
    assert world.reviews.next("bob").subject == "t1"


def test_a_late_submit_is_refused_and_changes_nothing(world):
    world.queue("t1")
    world.reviews.next("ann")
    world.clock.advance(30 * 60)
    with pytest.raises(LeaseEnded, match="ended at 2026"):
        world.reviews.submit("t1", "ann", GOOD)
    world.reviews.next("bob")
    with pytest.raises(ItemNotLeased):
        world.reviews.submit("t1", "ann", GOOD)
    assert world.reviews.submit("t1", "bob", BAD).result.annotator == "bob"


def test_a_repeated_submit_changes_nothing_and_another_one_is_refused(world):
    world.queue("t1")
    first = world.judge("t1", "ann", BAD)
    world.clock.advance(10)
    assert world.reviews.submit("t1", "ann", BAD) == first
    with pytest.raises(ItemClosed):
        world.reviews.submit("t1", "ann", GOOD)


def test_a_skipped_item_goes_to_others_and_a_returned_one_to_anybody(world):
    world.queue("t1")
    world.reviews.next("ann")
    world.reviews.skip("t1", "ann", "I wrote the document")
    assert world.reviews.next("ann") is None
    with pytest.raises(ItemTaken):
        world.reviews.take("t1", "ann")
    assert world.reviews.next("bob").subject == "t1"
    world.reviews.hand_back("t1", "bob")
    assert world.reviews.next("bob").subject == "t1"


def test_who_holds_nothing_cannot_hand_it_back(world):
    world.queue("t1")
    world.reviews.next("ann")
    with pytest.raises(ItemNotLeased):
        world.reviews.hand_back("t1", "bob")


def test_an_item_of_an_erased_user_is_gone_and_says_so(world):
    world.queue("t1")
    world.reviews.next("bob")
    steps = {step.name: step for step in world.reviews.personal_data()}
    assert steps["review.items"].count("ann") == 1
    steps["review.items"].erase("ann")
    with pytest.raises(ReviewItemUnknown, match="erased"):
        world.reviews.submit("t1", "bob", GOOD)


def test_items_whose_traces_are_gone_are_dropped(world):
    world.queue("t1", "t2")
    del world.answers.answers["t1"]
    assert world.reviews.drop_gone() == 1
    assert [item.subject for item in world.reviews.items.open_items()] == ["t2"]


def test_a_hidden_item_is_neither_shown_nor_leased(world):
    world.queue("secret", "open")
    seen = world.reviews.next("ann", visible=lambda item: item.subject == "open")
    assert seen.subject == "open"
    assert world.reviews.find("secret").lease_by == ""


@pytest.mark.parametrize(
    "draft",
    [
        AnnotationDraft(ReviewVerdict.GOOD, "hallucination"),
        AnnotationDraft(ReviewVerdict.BAD),
        AnnotationDraft(ReviewVerdict.BAD, "ugly"),
    ],
)
def test_an_annotation_that_contradicts_itself_is_refused(world, draft):
    world.queue("t1")
    world.reviews.next("ann")
    with pytest.raises(BadAnnotation):
        world.reviews.submit("t1", "ann", draft)


def test_two_annotators_who_agree_finish_an_item(world_of):
    world = world_of(annotators=2)
    world.queue("t1")
    assert world.judge("t1", "ann", BAD).state is ItemState.WAITING
    assert world.reviews.next("ann") is None
    assert world.judge("t1", "bob", BAD).state is ItemState.DONE


def test_a_third_person_decides_between_two(world_of):
    world = world_of(annotators=2)
    world.queue("t1")
    world.judge("t1", "ann", BAD)
    assert world.judge("t1", "bob", GOOD).state is ItemState.ADJUDICATION
    assert world.reviews.next("bob") is None
    done = world.judge("t1", "eve", BAD)
    assert (done.state, done.result.annotator) == (ItemState.DONE, "eve")
    assert [each.kind for each in done.annotations] == ["annotation", "annotation", "adjudication"]


def test_a_finished_review_tells_answers_and_guards(world):
    world.queue("good")
    world.queue("blocked", reason="disputed_block", blocked=True, judged="questions")
    world.judge("good", "ann", GOOD)
    world.judge("blocked", "ann", WRONGLY_BLOCKED)
    assert world.answers.reviewed == [("good", "ann"), ("blocked", "ann")]
    assert world.answers.judged == [("questions", True)]
    world.answers.judged.clear()
    world.reviews.replay_judged_blocks()
    assert world.answers.judged == [("questions", True)]


@pytest.mark.feature("F270")
def test_a_cleared_queue_is_archived_and_restored_as_it_was(world_of):
    world = world_of(annotators=2)
    world.queue("t1", "t2", "t3", reason="unhelpful")
    world.judge("t1", "ann", BAD)
    world.judge("t1", "bob", GOOD)
    world.reviews.take("t2", "ann")
    archive = world.reviews.clear(ReviewQueue.HIGH, "admin")
    assert (archive.items, world.depth(ReviewQueue.HIGH)) == (3, 0)
    assert world.reviews.next("eve") is None
    with pytest.raises(ItemClosed):
        world.reviews.submit("t2", "ann", GOOD)
    assert world.reviews.restore(archive.id) == 3
    assert world.reviews.find("t1").state is ItemState.ADJUDICATION
    assert world.reviews.find("t2").state is ItemState.WAITING
    with pytest.raises(ArchiveRestored):
        world.reviews.restore(archive.id)


@pytest.mark.feature("F271")
def test_the_feedback_queue_is_archived_before_it_is_cleared(world):
    world.answers.put("t1")
    world.answers.say(1, "t1")
    world.reviews.feedback.add(world.answers.new, world.clock.now())
    archive = world.reviews.clear(FEEDBACK_QUEUE, "admin")
    assert (archive.items, world.depth(FEEDBACK_QUEUE)) == (1, 0)
    assert world.reviews.processor.process() == 0
    world.reviews.restore(archive.id)
    assert world.reviews.processor.process() == 1


def test_an_unknown_queue_is_refused_with_the_known_ones(world):
    with pytest.raises(ReviewQueueUnknown) as refused:
        world.reviews.clear("review_queue:urgent", "admin")
    assert "review_queue:high_priority" in refused.value.hint()


@pytest.mark.feature("F279")
def test_depth_age_and_times_are_measured(world):
    world.queue("t1", "t2", reason="unhelpful")
    world.clock.advance(60)
    world.reviews.take("t1", "ann")
    world.clock.advance(20)
    world.reviews.submit("t1", "ann", GOOD)
    high = world.reviews.queue_figures()[0]
    assert (high.depth, high.added, high.finished) == (1, 2, 1)
    assert (high.processing_seconds, high.response_seconds) == (20.0, 80.0)
    assert world.reviews.age_seconds(high.oldest_at) == 80.0


@pytest.mark.feature("F282")
def test_participation_and_response_times_are_measured(world):
    world.queue("t1", "t2", reason="unhelpful")
    world.reviews.take("t1", "ann")
    world.clock.advance(30)
    world.reviews.submit("t1", "ann", GOOD)
    world.reviews.take("t2", "ann")
    world.reviews.skip("t2", "ann", "")
    (ann,) = world.reviews.annotators()
    assert (ann.annotator, ann.annotations, ann.skipped, ann.median_seconds) == ("ann", 1, 1, 30.0)
    world.clock.advance(8 * 86_400)
    world.queue("t3")
    assert world.reviews.annotators() == ()
