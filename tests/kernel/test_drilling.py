"""The mark of a drill, and figures that are kept apart by it."""

import contextvars
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from trimtab.kernel.drilling import Apart, drill_traffic, in_drill, samples_apart


def test_the_mark_ends_with_its_block_also_after_an_error():
    try:
        with drill_traffic():
            assert in_drill()
            raise KeyError
    except KeyError:
        assert not in_drill()


def test_an_unmarked_block_inside_a_marked_one_stays_marked():
    with drill_traffic(), drill_traffic(marked=False):
        assert in_drill()
    with drill_traffic(marked=False):
        assert not in_drill()


def test_another_thread_is_marked_only_in_a_copy_of_the_context():
    with ThreadPoolExecutor(1) as pool, drill_traffic():
        assert not pool.submit(in_drill).result()
        assert pool.submit(contextvars.copy_context().run, in_drill).result()


def test_figures_are_kept_apart():
    figures = Apart(Counter)
    figures.now["asked"] += 1
    with drill_traffic():
        figures.now["asked"] += 5
    assert (figures.users["asked"], figures.drills["asked"]) == (1, 5)
    found = samples_apart(lambda drill: figures.of(drill=drill)["asked"])
    assert [(sample.value, sample.labels) for sample in found] == [(1, {}), (5, {"drill": "true"})]
