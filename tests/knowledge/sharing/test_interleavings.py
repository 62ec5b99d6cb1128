"""Random changes in two services on one database, and a search in the other one after each."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.knowledge.errors import DocumentUnknown, ProjectUnknown

STEPS = 40
NAMES = ("a.txt", "b.txt", "c.txt")
TEXTS = ("Whales sing.", "Gulls fly far.", "Eels swim home. " * 30, "Nothing at all.")
LABELS = ((), ("staff",), ("board",))
CHANGES = st.tuples(
    st.sampled_from((0, 1)),
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.just("label"), st.sampled_from(NAMES), st.sampled_from(LABELS)),
        st.tuples(st.just("delete_project")),
        st.tuples(st.just("beat")),
    ),
)


class Model:
    """What the two services should hold: text and labels of each document."""

    def __init__(self):
        self.documents = {}

    def apply(self, service, project, kind, *given):
        try:
            getattr(self, kind)(service, project, *given)
        except (DocumentUnknown, ProjectUnknown):
            assert kind == "delete_project" or given[0] not in self.documents

    def put(self, service, project, name, text):
        service.ingest_text(project, name, text)
        _, labels = self.documents.get(name, ("", ()))
        self.documents[name] = text.strip(), labels

    def delete(self, service, project, name):
        service.documents.delete(project, name)
        del self.documents[name]

    def label(self, service, project, name, labels):
        service.documents.set_metadata(project, name, labels=labels)
        self.documents[name] = self.documents[name][0], labels

    def delete_project(self, service, project):
        service.projects.delete(project)
        self.documents = {}

    def beat(self, service, _):
        service.beat()

    def seen_by(self, *mine):
        return {
            name: text
            for name, (text, labels) in self.documents.items()
            if not labels or set(labels) & set(mine)
        }


def differs(service, project, expected, *labels):
    """Return how a search differs from the texts of the documents that it should find; empty if it does not."""
    try:
        passages = service.search(project, "whales far home", 100, labels=labels).passages
    except ProjectUnknown:
        passages = ()
    found = {passage.document_name for passage in passages}
    stale = [each for each in passages if each.text not in expected.get(each.document_name, "")]
    return (found ^ set(expected), stale) if stale or found != set(expected) else ()


@pytest.mark.timeout(3600)  # A thousand changes take minutes.
def test_no_search_is_answered_from_what_the_other_service_has_changed(mine, second, request):
    projects = (f"project{number}" for number in itertools.count())
    examples = max(1, request.config.getoption("--interleavings") // STEPS)

    @settings(
        max_examples=examples,
        derandomize=examples <= 5,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(st.lists(CHANGES, min_size=STEPS, max_size=STEPS))
    def run(changes):
        project, model, services = next(projects), Model(), (mine, second)
        for number, change in changes:
            model.apply(services[number], project, *change)
            for service in (services[1 - number], services[number]):
                assert not differs(service, project, model.seen_by())
                assert not differs(service, project, model.seen_by("staff"), "staff")

    run()
