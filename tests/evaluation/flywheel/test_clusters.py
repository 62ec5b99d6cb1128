"""Clusters of labelled failures."""

from collections import Counter

import pytest

from tests.evaluation.flywheel.failures import labelled
from trimtab.evaluation.flywheel.clusters import cluster_texts, name_of


def purity(clusters, labels):
    most = (Counter(labels[i] for i in each.members).most_common(1)[0][1] for each in clusters)
    return sum(most) / len(labels)


def completeness(clusters, labels):
    """Return the share of the failures that are in their subject's largest cluster."""
    largest = Counter()
    for each in clusters:
        for label, count in Counter(labels[i] for i in each.members).items():
            largest[label] = max(largest[label], count)
    return largest.total() / len(labels)


def test_labelled_failures_are_found_again():
    labels, texts = zip(*labelled(500), strict=True)
    clusters = cluster_texts(texts)
    assert sorted(i for each in clusters for i in each.members) == list(range(500))
    assert purity(clusters, labels) >= 0.9
    assert completeness(clusters, labels) >= 0.9


def test_a_cluster_is_named_by_its_terms_as_they_are_written():
    texts = ["How do I reset a password?", "Where is the password reset?", "Password expiry?"]
    (cluster,) = cluster_texts(texts)
    assert name_of(cluster.terms(), texts).startswith("password")


@pytest.mark.parametrize("texts", [[], ["?"], ["", "..."], ["the of and", "pump"]])
def test_texts_without_words_do_no_harm(texts):
    found = cluster_texts(texts)
    assert sorted(i for each in found for i in each.members) == list(range(len(texts)))


def test_the_order_of_the_failures_matters_little():
    _, texts = zip(*labelled(200), strict=True)
    one, other = cluster_texts(texts), cluster_texts(texts[::-1])
    assert abs(len(one) - len(other)) <= 3
