"""Answers over small documents of the kinds that went wrong on real ones, from file to quote."""

import pytest

from trimtab.answers import ExtractiveGenerator
from trimtab.app.retrieval import KnowledgeRetriever
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext

REPORTS = (
    "# Reports\n\nREP-2031-0007 was a broken pump in the north basin.\n\n"
    "REP-2031-0008 was a flooded cable duct.\n\nOrder ZX-2001 has 14 valves.\n\nOrder ZX-2004 has 81 valves.\n"
)
PUMPS = "pump,flow_l,head_m,housing\n" + "".join(
    f"B-{n:03},{n * 7},{n * 3},{('bronze', 'iron', 'plastic')[n % 3]}\n" for n in range(1, 131)
)
MAIL = (
    "From: kim@example.org\nTo: robin@example.org\nSubject: New dates\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n\nHi all,\n\nthe dates are now:\n- motors: 3 March\n"
    "- gears: 8 April\n- belts: 2 May\n\nBest\nKim\n--\nKim, Purchasing\n\nOn Friday Robin wrote:\n"
    "> The motors come on 20 February.\n> The gears come on 1 March.\n> The belts come on 4 April.\n"
    "> The crane is booked for Tuesday.\n"
)
KOREAN = "# 창고\n\n창고 열쇠는 관리실에 있습니다. 소화기는 복도 끝에 있습니다.\n"


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    clock = SystemClock()
    context = KnowledgeContext(clock, Events(), Health(clock))
    folder = tmp_path_factory.mktemp("inputs")
    opened = Knowledge(DataDirectory(folder), KnowledgeSettings(), context)
    opened.start()
    for project, name, content in (
        ("reports", "reports.md", REPORTS),
        ("pumps", "pumps.csv", PUMPS),
        ("mails", "plan.eml", MAIL.replace("\n", "\r\n")),
        ("mails-lf", "plan.eml", MAIL),
        ("korean", "ko.md", KOREAN),
    ):
        opened.ingest_bytes(project, name, content.encode())
    yield opened
    opened.close()


@pytest.fixture
def quotes(knowledge):
    retriever = KnowledgeRetriever(knowledge)

    def ask(project, question):
        draft = ExtractiveGenerator().quote(
            question, retriever.search(project, question, 5).passages
        )
        return [" ".join(citation.quote.split()) for citation in draft.citations]

    return ask


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("What was REP-2031-0007?", "REP-2031-0007 was a broken pump in the north basin."),
        ("What was REP-2031-0008?", "REP-2031-0008 was a flooded cable duct."),
        ("How many valves does ZX-2004 have?", "Order ZX-2004 has 81 valves."),
    ],
)
def test_a_known_id_is_answered_with_its_own_sentence_alone(quotes, question, quote):
    assert quotes("reports", question) == [quote]


@pytest.mark.parametrize(
    "question",
    ["What was REP-2031-0009?", "What was REP-2031-0070?", "How many valves does ZX-2009 have?"],
)
def test_an_unknown_id_is_not_found(quotes, question):
    assert quotes("reports", question) == []


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("What is the head of B-087?", "pump: B-087; flow_l: 609; head_m: 261; housing: bronze"),
        (
            "Which housing does pump B-100 have?",
            "pump: B-100; flow_l: 700; head_m: 300; housing: iron",
        ),
    ],
)
def test_a_row_of_a_csv_is_quoted_alone_and_with_its_header(quotes, question, quote):
    assert quotes("pumps", question) == [quote]


def test_a_row_that_is_not_there_is_not_found(quotes):
    assert quotes("pumps", "What is the head of B-187?") == []


@pytest.mark.parametrize("project", ["mails", "mails-lf"])
@pytest.mark.parametrize(
    ("question", "date"),
    [("When do the gears come?", "8 April"), ("When do the belts come?", "2 May")],
)
def test_a_new_date_is_quoted_without_the_quoted_mail(quotes, project, question, date):
    found = quotes(project, question)
    assert len(found) == 1
    assert date in found[0]
    assert ">" not in found[0]
    assert "come on" not in found[0]


def test_what_only_the_quoted_mail_says_is_found_there(quotes):
    assert quotes("mails", "For when is the crane booked?") == ["The crane is booked for Tuesday."]


def test_endings_and_question_words_of_korean_are_no_missing_evidence(quotes):
    assert quotes("korean", "소화기는 어디에 있습니까?") == ["소화기는 복도 끝에 있습니다."]
    assert quotes("korean", "창고 열쇠가 어디에 있나요?") == ["창고 열쇠는 관리실에 있습니다."]
