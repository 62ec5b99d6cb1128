"""A short run of each campaign that ``make torture-answers`` runs at length; erasures are in
`tests/app`, the fuzz is in `tests/api`."""

import pytest

from tests.answers.torture import exporter, generators, soak, tenants
from tests.processes import models  # noqa: F401 - a fixture.


def test_no_attempt_reads_another_tenants_data(tmp_path):
    found = tenants.campaign(tmp_path / "data", attempts=250, seed=7)
    assert (found.tried, found.wrong) == (250, [])


def test_a_hole_between_tenants_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr("trimtab.infra.auth.Principal.enter", lambda *_: None)
    assert tenants.campaign(tmp_path / "data", attempts=100, seed=7).wrong


def test_every_misbehaviour_of_a_model_ends_in_an_answer_in_time(tmp_path):
    found = generators.campaign(tmp_path, attempts=2 * len(generators.Liar.KINDS))
    assert found.wrong == []


def test_an_hour_without_the_tracing_backend_loses_no_trace(tmp_path):
    assert exporter.campaign(tmp_path, questions=30, rate=1200).wrong == []


@pytest.mark.timeout(300)
def test_ten_clients_for_six_seconds_cause_no_error(tmp_path, models):  # noqa: F811 - a fixture.
    found = soak.campaign(tmp_path, minutes=6 / 60, clients=10, models=models)
    # Six seconds are too short to tell a leak from a cache that fills.
    assert [what for what in found.wrong if "grew" not in what] == []
    assert found.tried > 10
