"""The small form of `make quiet-start`."""

import pytest

from tests.quiet.start import LONGEST_MINUTES, quiet_start


@pytest.mark.timeout(500)
def test_a_fresh_service_on_a_busy_machine_calls_nobody(tmp_path):
    found = quiet_start(tmp_path, files=30, asked=50, burners=1, speed=60)
    assert found.incidents == found.called == []
    assert [alert["name"] for alert in found.alerts if alert["state"] == "firing"] == []
    assert found.minutes >= LONGEST_MINUTES
    assert found.ingested > 20
    assert found.refused > 0
    assert sum(found.statuses.values()) == 50
    assert max(found.statuses) < 500
