"""`status` shows the circuit breakers of the services outside."""

import pytest

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.mark.feature("F189")
def test_status_and_metrics_show_the_breaker_of_a_channel_that_fails(serve, command):
    serve("--set", "notify.webhook_url=http://127.0.0.1:9/hook")
    for _ in range(3):
        assert command("notifications", "test", "webhook").code == 1
    found = command("status", "--json").json["dependencies"]["channel webhook"]
    assert found.startswith("open")
    assert "channel webhook" in command("status").out
    (signal,) = command("read", "service.dependency.failures", "--json").json["signals"]
    (sample,) = signal["samples"]
    # The self-test of the start may have failed too.
    assert sample["labels"] == {"dependency": "channel webhook"}
    assert sample["value"] >= 3
