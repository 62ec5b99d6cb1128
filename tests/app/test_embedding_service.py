"""The role embedding as a service of its own, and what the page of API errors learns from its health."""

import signal
from pathlib import Path

import pytest

from tests.monitoring.clocks import START
from tests.monitoring.samples import named
from tests.processes import models, start, with_models  # noqa: F401 - a fixture.
from trimtab.infra.provider_probes import ProviderProbes
from trimtab.kubernetes.scale import EMBEDDING_HEALTH
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks.page import parse_page

PAGE = Path(__file__).parents[2] / "library/knowledge-error-rate.md"


def escalates(reachable):
    """Return whether the page escalates when the probe of the manifests' address has that result."""
    page = parse_page(PAGE.read_text(encoding="utf-8"), PAGE.name)
    host = EMBEDDING_HEALTH.split("/")[2]
    store = SeriesStore()
    sample = named("service_provider_reachable", provider=host)
    store.append("scrape", milliseconds(START), [(sample, reachable)])
    (about,) = (
        check.expression
        for check in page.escalate_when
        if "service_provider_reachable" in check.expression
    )
    return check(compile_check(about), store, START).holds


@pytest.mark.feature("F610")
@pytest.mark.timeout(600)
def test_the_page_of_api_errors_asks_the_health_of_the_embedding_service(tmp_path, models):  # noqa: F811
    service = start(with_models(tmp_path / "data", models), "--set", "service.roles=embedding")
    probes = ProviderProbes((f"{service.url}/health",))
    (signal_of_probes,) = probes.signals()
    try:
        probes.probe()
        (alive,) = signal_of_probes.read()
    finally:
        service.stop(signal.SIGTERM)
    probes.probe()
    (gone,) = signal_of_probes.read()
    assert (alive.value, gone.value) == (1.0, 0.0)
    assert not escalates(alive.value)
    assert escalates(gone.value)
