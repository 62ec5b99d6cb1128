"""The client's address behind proxies cannot be invented by whoever is not one of them."""

import pytest

from tests.faces import client_of
from trimtab.app import build
from trimtab.infra.settings import load
from trimtab.infra.web.proxies import (
    TrustedProxies,
    TrustedProxiesInvalid,
    parse_address,
    rate_limit_key,
)

PROXY, INNER, CLIENT = "10.0.0.7", "10.9.9.9", "198.51.100.4"


def found(peer, *values, trusted=("10.0.0.0/8",)):
    headers = [(b"x-forwarded-for", value.encode()) for value in values]
    return TrustedProxies(trusted).client((peer, 1234), headers)[0]


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"{CLIENT}, {INNER}"], CLIENT),
        (PROXY, [CLIENT, INNER], CLIENT),
        (PROXY, [f"1.1.1.1, {CLIENT}"], CLIENT),  # The client invented the first entry.
        (PROXY, ["1.1.1.1", CLIENT], CLIENT),
        (PROXY, [f"{CLIENT}:61234"], CLIENT),
        (PROXY, ["[2001:db8::1]:443"], "2001:db8::1"),
        (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, ["unknown"], PROXY),
        (PROXY, ["'; DROP TABLE"], PROXY),
        (PROXY, [f"1.1.1.1, nonsense, {INNER}"], INNER),
        (PROXY, [f"{INNER}, {PROXY}"], INNER),  # A call from inside.
        (CLIENT, ["1.1.1.1"], CLIENT),  # No proxy of ours.
        ("::ffff:10.0.0.7", [CLIENT], CLIENT),
        ("testclient", ["1.1.1.1"], "testclient"),
    ],
)
def test_the_client_is_the_last_entry_that_no_trusted_proxy_wrote(peer, values, client):
    assert found(peer, *values) == client


def test_without_a_peer_there_is_no_client():
    assert TrustedProxies(["10.0.0.0/8"]).client(None, [(b"x-forwarded-for", b"1.1.1.1")]) is None


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.0/33", "*"])
def test_an_entry_that_is_no_network_is_refused(name):
    with pytest.raises(TrustedProxiesInvalid, match="neither an address nor a network"):
        TrustedProxies([name])


def test_a_client_counts_by_its_own_network():
    assert rate_limit_key("2001:db8::1") == rate_limit_key("2001:db8::ffff") == "2001:db8::/64"
    assert rate_limit_key("2001:db8:0:1::1") != rate_limit_key("2001:db8::1")
    assert rate_limit_key("::ffff:198.51.100.4") == CLIENT
    assert parse_address("fe80::1%eth0") is not None


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    flags = {
        "service.data_dir": str(tmp_path_factory.mktemp("proxies") / "data"),
        "service.rate_limit_per_minute": "1",
        "service.trusted_proxies": "10.0.0.0/8,127.0.0.1",
    }
    app = build(load(flags=flags, environment={}))
    yield app
    app.close()


def forwarded(app, address, peer=PROXY):
    client = client_of(app, address=peer)
    return client.get("/v1/me", headers={"X-Forwarded-For": address}).status_code


def test_clients_behind_a_trusted_proxy_have_a_limit_each(app):
    assert [forwarded(app, address) for address in ("192.0.2.1", "192.0.2.2")] == [401, 401]
    assert forwarded(app, "192.0.2.1") == 429


def test_an_untrusted_peer_cannot_choose_its_address(app):
    assert forwarded(app, "192.0.2.3", peer=CLIENT) == 401
    assert forwarded(app, "192.0.2.4", peer=CLIENT) == 429


def test_a_remote_client_does_not_become_a_local_one(app):
    assert forwarded(app, "127.0.0.1") == 401
    assert forwarded(app, "192.0.2.5", peer="127.0.0.1") == 401


def test_no_proxy_is_trusted_by_default():
    assert load(flags={}, environment={}).service.trusted_proxies == ()


@pytest.mark.parametrize(
    ("peer", "said", "secure"),
    [(PROXY, "https", True), (PROXY, "http", False), (PROXY, "x", False), (CLIENT, "https", False)],
)
def test_only_a_trusted_proxy_says_that_the_client_used_tls(peer, said, secure):
    headers = [(b"x-forwarded-proto", said.encode())]
    found = TrustedProxies(["10.0.0.0/8"]).scheme((peer, 1), headers)
    assert (found == "https") is secure
