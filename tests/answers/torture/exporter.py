"""The tracing backend is down for an hour of the service's clock, while questions are asked and processes restart."""

import time

from tests.answers.service import QUESTION, Whole
from tests.answers.torture.result import Result
from tests.answers.tracing.test_tracing import Collector, attributes, serving
from trimtab.answers import Question
from trimtab.kernel.clock import SystemClock

RATE = 360.0
"""An hour in ten seconds."""


def campaign(folder, questions, rate=RATE):
    """Ask so many questions within the hour; return what was lost, doubled, or kept an asker waiting."""
    result, collector, kept = Result("exporter"), Collector(), []
    collector.status = 503
    longest = 0.0
    with serving(collector) as url:
        for run in range(3):  # A restart every twenty minutes.
            whole = Whole(folder, SystemClock(rate), otlp_endpoint=url)
            whole.exporter.start()
            for _ in range(questions // 3):
                started = time.monotonic()
                kept.append(whole.service.answer(Question("p", QUESTION)).trace_id)
                longest = max(longest, time.monotonic() - started)
                whole.clock.sleep(3600 / questions)
            result.expect(whole.service.traces.count_unexported() == len(kept), f"run {run}: lost")
            whole.close()
        collector.status = 200
        whole = Whole(folder, SystemClock(rate), otlp_endpoint=url)
        whole.exporter.start()
        until = time.monotonic() + 60
        while whole.service.traces.count_unexported() and time.monotonic() < until:
            time.sleep(0.05)
        whole.close()
    roots = [span for span in collector.spans if not span.parent_span_id]
    arrived = [attributes(span).get("trimtab.trace_id") for span in roots]
    result.tried = len(kept)
    result.expect(sorted(arrived) == sorted(kept), f"{len(arrived)} of {len(kept)} arrived")
    result.expect(longest < 5.0, f"an asker waited {longest:.1f} s")
    result.figures = {"hour": f"accelerated {rate:g} times", "arrived once": len(set(arrived))}
    return result
