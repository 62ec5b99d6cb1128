"""Log lines of feedback and notifications, filtered by component."""

import logging

import orjson
import pytest

from tests.databases import open_at
from tests.infra.test_notify import Flaky
from trimtab.infra.notify import Delivery, Kind, Message, Outbox
from trimtab.infra.notify.channels import LogChannel
from trimtab.infra.telemetry import LogFiles, configure_logs
from trimtab.infra.telemetry.log_reader import LogFilter, Skipped, read_logs
from trimtab.kernel.clock import SystemClock
from trimtab.testing.clock import FakeClock


@pytest.fixture
def lines_of(tmp_path):
    """Write the log into files; return the messages of a component."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("INFO", profile="upper", queries=False, files=LogFiles(tmp_path, 10, 2, 1.0))

    def lines(component):
        for handler in root.handlers:
            handler.flush()
        since = SystemClock().now().replace(year=2000)
        found = read_logs(tmp_path, LogFilter(since, component=component), Skipped())
        return [orjson.loads(orjson.dumps(line)) for line in found]

    yield lines
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        if handler not in before[0]:
            handler.close()
    root.handlers[:], root.level = before


@pytest.mark.feature("F266")
def test_a_processed_batch_of_feedback_is_a_line_of_the_review(world, lines_of):
    world.answers.put("t1")
    world.answers.say(1, "t1")
    world.answers.say(2, "t1")
    world.reviews.process_feedback()
    [line] = lines_of("review.feedback")
    assert (line["message"], line["items"], line["refused"]) == ("feedback processed", 2, 1)
    assert lines_of("infra.notify") == []


@pytest.mark.feature("F264")
def test_deliveries_and_failures_are_lines_of_the_notifications(tmp_path, lines_of):
    database = open_at(tmp_path / "state.db", ("incidents", "notify"))
    outbox, clock = Outbox(database), FakeClock()
    outbox.add(Message("#incidents", Kind.NOTE, "text", "key", "INC-1"), clock.now())
    Delivery(outbox, [LogChannel(), Flaky(failures=1)], clock).deliver_due()
    database.close()
    lines = lines_of("infra.notify")
    assert [line["message"] for line in lines] == ["notification", "notification not delivered"]
    assert lines[0]["subject"] == "INC-1"
    assert lines_of("review") == []
