"""`trimtab kubernetes forecast` on a running service that is new: it guesses nothing."""

import pytest


@pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
def test_a_new_service_says_how_much_a_forecast_needs(serve, command):
    serve()
    done = command("kubernetes", "forecast")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "A forecast needs 14 days; 0 are known."
    told = command("kubernetes", "forecast", "--json").json
    assert told["days"] == 0
    assert [row for row in told["usage"] if row["expected"] is not None or row["act"]] == []
