"""Which rules of network policies open a port, by the meaning that Kubernetes gives them."""

import pytest

from trimtab.kubernetes.network_policies import PortAccess, reach

TARGET, SOURCE = {"app": "chromadb"}, {"app": "knowledgebeast", "tier": "web"}


def policy(*rules, selector=None, kinds=("Ingress",)):
    spec = {"podSelector": selector or {}, "policyTypes": list(kinds), "ingress": list(rules)}
    return {"metadata": {"name": "a"}, "spec": spec}


def pods(**selector):
    return {"from": [{"podSelector": selector}]}


PORT = [{"port": 8000}]


@pytest.mark.parametrize(
    ("rule", "is_open"),
    [
        ({}, True),
        ({"ports": PORT}, True),
        ({"ports": [{"port": 8001}]}, False),
        ({"ports": [{"port": 7999, "endPort": 8000}]}, True),
        ({"ports": [{"port": 7998, "endPort": 7999}]}, False),
        ({"ports": [{"port": 8000, "protocol": "UDP"}]}, False),
        ({"ports": [{"protocol": "TCP"}]}, True),
        ({"ports": [{"port": "http"}]}, False),
        (pods(matchLabels={"app": "knowledgebeast"}), True),
        (pods(matchLabels={"app": "other"}), False),
        ({**pods(matchLabels={"app": "knowledgebeast"}), "ports": [{"port": 1}]}, False),
        (pods(), True),
        (pods(matchExpressions=[{"key": "tier", "operator": "In", "values": ["web"]}]), True),
        (pods(matchExpressions=[{"key": "tier", "operator": "NotIn", "values": ["web"]}]), False),
        (pods(matchExpressions=[{"key": "tier", "operator": "Exists"}]), True),
        (pods(matchExpressions=[{"key": "tier", "operator": "DoesNotExist"}]), False),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}, None),
        ({"from": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}, None),
        ({"from": [{"namespaceSelector": {}}]}, True),
        (
            {"from": [{"namespaceSelector": {"x": 1}, "podSelector": {"matchLabels": {"a": "b"}}}]},
            False,
        ),
    ],
)
def test_a_rule_opens_the_port_or_not(rule, is_open):
    assert reach([policy(rule)], TARGET, SOURCE, 8000) == PortAccess(is_open, ("a",))


def test_only_policies_that_select_the_pods_close_anything():
    other = policy(selector={"matchLabels": {"app": "other"}})
    outgoing = policy(kinds=("Egress",))
    assert reach([other, outgoing], TARGET, SOURCE, 8000) == PortAccess(open=True, policies=())
    closing = policy()
    assert reach([closing], TARGET, SOURCE, 8000).open is False
    assert reach([closing, policy({})], TARGET, SOURCE, 8000).open is True
