from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.monitoring.clocks import START
from trimtab.monitoring.labels import METRIC_NAME, labels_of
from trimtab.monitoring.scrape import Scrape, milliseconds
from trimtab.monitoring.series import Selection, SeriesStore

EVERYTHING = Selection(None)


class Broken:
    def collect(self):
        raise RuntimeError("disk gone")


def scraped(registry, **options):
    store = SeriesStore()
    Scrape(registry, store, **options).take(START)
    found = store.latest(EVERYTHING, milliseconds(START))
    return {sample.labels: sample.value for sample in found}


def filled_registry():
    registry = CollectorRegistry()
    Counter("asked", "Questions.", ["room"], registry=registry).labels("a").inc(3)
    Gauge("heat", "Degrees.", registry=registry).set(21.5)
    Histogram("took_seconds", "Time.", buckets=(0.1, 1), registry=registry).observe(0.5)
    return registry


def test_a_scrape_takes_what_the_metrics_page_shows():
    registry = filled_registry()
    page = {
        labels_of({**sample.labels, METRIC_NAME: sample.name}): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    assert scraped(registry) == {**page, (("__name__", "up"),): 1.0}
    assert (("__name__", "took_seconds_bucket"), ("le", "+Inf")) in page


def test_a_gauge_may_end_in_created():
    registry = CollectorRegistry()
    Gauge("rooms_created", "Rooms.", registry=registry).set(4)
    assert scraped(registry)[(("__name__", "rooms_created"),)] == 4.0


def test_a_failing_collector_is_up_zero_and_nothing_else():
    registry = filled_registry()
    registry.register(Broken())
    assert scraped(registry) == {(("__name__", "up"),): 0.0}


def test_target_labels_are_added_but_never_win():
    found = scraped(filled_registry(), labels={"instance": "one", "room": "target"})
    assert found[labels_of({"__name__": "asked_total", "room": "a", "instance": "one"})] == 3.0
    assert found[labels_of({"__name__": "heat", "room": "target", "instance": "one"})] == 21.5


def test_a_scrape_that_goes_on_failing_is_logged_once(caplog):
    registry, store = CollectorRegistry(), SeriesStore()
    registry.register(Broken())
    scrape = Scrape(registry, store)
    for seconds in range(5):
        scrape.take(START + timedelta(seconds=seconds))
    assert [record.getMessage() for record in caplog.records] == ["scrape failed"]
