"""Probes of outside providers: only when configured, and any answer counts."""

import pytest

from tests.infra.test_notification_channels import Receiver
from trimtab.infra.provider_probes import BadProbeAddress, ProviderProbes
from trimtab.infra.settings.sections.service import ServiceSettings


def reachable(probes):
    [signal] = probes.signals()
    return {each.labels["provider"]: each.value for each in signal.read()}


@pytest.mark.feature("F288", "F289")
@pytest.mark.parametrize(("status", "value"), [(200, 1), (401, 1), (499, 1), (500, 0)])
def test_a_provider_that_answers_is_reachable_also_without_a_key(status, value):
    receiver = Receiver()
    receiver.status = status
    with receiver.serve() as url:
        probes = ProviderProbes((f"{url}/v1/models",))
        assert reachable(probes) == {}
        probes.probe()
    assert reachable(probes) == {url.removeprefix("http://"): value}


@pytest.mark.feature("F288", "F289")
def test_a_provider_that_does_not_answer_is_not_reachable():
    probes = ProviderProbes(("http://127.0.0.1:9/v1/messages",))
    probes.probe()
    assert reachable(probes) == {"127.0.0.1:9": 0}


def test_none_is_configured_by_default():
    assert ServiceSettings().provider_probes == ()


@pytest.mark.parametrize("address", ["api.openai.com", "file:///etc/passwd", "https://u:p@host/"])
def test_what_is_no_plain_web_address_stops_the_start(address):
    with pytest.raises(BadProbeAddress):
        ProviderProbes((address,))
