"""The rules see the metrics of every process of a fleet, each with its id."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
from prometheus_client import CollectorRegistry, Gauge

from trimtab.monitoring.peers import FleetScrape
from trimtab.monitoring.scrape import Scrape, milliseconds
from trimtab.monitoring.series import Selection, SeriesStore

START = datetime(2026, 3, 1, tzinfo=UTC)


class Fleet:
    """A fleet with the processes that the test names."""

    shared = True
    me = SimpleNamespace(id="here")

    def __init__(self, *names):
        self.names = names

    def processes(self):
        return [
            SimpleNamespace(id=each, address=f"http://{each}", is_live=True) for each in self.names
        ]


def values(store, metric, at):
    found = store.latest(Selection(metric), milliseconds(at))
    return {dict(each.labels).get("process", ""): each.value for each in found}


def test_the_others_are_scraped_with_their_id_and_one_that_is_silent_is_down():
    registry, store, fleet = (
        CollectorRegistry(),
        SeriesStore(3600),
        Fleet("here", "there", "silent"),
    )
    Gauge("level", "of the tank", registry=registry).set(1)
    scrape = FleetScrape(Scrape(registry, store), fleet, store)

    def get(url):
        if url != "http://there/metrics":
            raise httpx.ConnectError("no one")
        return '# TYPE level gauge\nlevel{tank="2"} 7.0\n'

    scrape._get = get
    scrape.take(START)

    assert values(store, "level", START) == {"there": 7.0, "": 1.0}
    assert values(store, "up", START) == {"": 1.0, "there": 1.0, "silent": 0.0}
    fleet.names = ("here",)
    scrape.take(START + timedelta(seconds=15))
    assert values(store, "level", START + timedelta(seconds=15)) == {"": 1.0}


def test_a_process_with_an_address_that_is_no_url_is_down_and_stops_nothing():
    store = SeriesStore(3600)
    scrape = FleetScrape(Scrape(CollectorRegistry(), store), Fleet("here", "there:port"), store)
    scrape.take(START)
    assert values(store, "up", START) == {"": 1.0, "there:port": 0.0}
