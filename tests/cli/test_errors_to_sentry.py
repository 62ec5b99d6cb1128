"""A running service sends its errors to the address of the settings."""

import threading
import time

import pytest

from tests.infra.test_error_reports import events
from tests.infra.test_notification_channels import Receiver

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.mark.feature("F738")
def test_an_error_of_the_service_arrives(serve, tmp_path):
    receiver, rules = Receiver(), tmp_path / "rules.yml"
    rules.write_text("hallucination_threshold: 0.1\n")
    with receiver.serve() as url:
        dsn = url.replace("http://", "http://public-key@") + "/7"
        words = ("--set", f"tools.sentry_dsn={dsn}", "--set", f"guardrails.rules_file={rules}")
        service = serve(*words)
        # The file is read again within five seconds of a change.
        rules.write_text("hallucination_threshold: [\n")
        pause, end = threading.Event(), time.monotonic() + 120
        while not receiver.got:
            assert time.monotonic() < end
            pause.wait(0.2)
        service.stop()
    sent = events(receiver)
    assert "guard_rules_refused" in [each["logentry"]["formatted"] for each in sent]
    assert {each["environment"] for each in sent} == {"production"}
