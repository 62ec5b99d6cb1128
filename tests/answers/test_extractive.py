from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answers.world import passage
from trimtab.answers import ExtractiveGenerator, decision
from trimtab.answers.decision import MIN_READING, READ, shipped_models
from trimtab.answers.evidence import evidence
from trimtab.answers.question import AnalysedQuestion, AnswerType

HANDBOOK = (
    "# Restart\n\nRun `trimtab serve` to start the service. It listens on port 8000.\n\n"
    "- Backups are made nightly at 02:00.\n- Dr. Ada Lovelace approves restores.\n\n"
    "| setting | default |\n|---|---|\n| query_cache_size | 100 entries |\n\n"
    "```sh\ntrimtab act knowledge.cache.resize query=500\n```\n"
)


def quotes(question, *passages, **options):
    draft = ExtractiveGenerator(**options).quote(question, passages or (passage(HANDBOOK),))
    return [citation.quote for citation in draft.citations]


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("Which port does the service listen on?", "port 8000"),
        ("When are backups made?", "nightly at 02:00"),
        ("Who approves restores?", "Dr. Ada Lovelace"),
        ("What is the default of query_cache_size?", "100 entries"),
        ("How do I resize the knowledge cache?", "knowledge.cache.resize"),
    ],
)
def test_the_right_piece_of_a_markdown_page_is_quoted(question, holds):
    assert any(holds in quote for quote in quotes(question))


@pytest.mark.parametrize(
    ("text", "question", "holds"),
    [
        ("Der Dienst hört auf Port 8000. Sicherungen laufen um 3 Uhr.", "Wann laufen Sicherungen?", "3 Uhr"),
        ("El servicio usa el puerto 8000. La copia se hace a las 3.", "¿Qué puerto usa el servicio?", "8000"),
        ("缓存保存一百个条目。备份在凌晨三点进行。", "备份在什么时候进行?", "凌晨三点"),
    ],
)  # fmt: skip
def test_other_languages_are_quoted_too(text, question, holds):
    assert holds in quotes(question, passage(text))[0]


def test_the_only_passage_of_a_project_is_quoted_when_it_answers():
    text = "The quorble number of this house is 4711."
    alone = replace(passage(text), score=0.87, similarity=0.78)
    assert quotes("What is the quorble number of this house?", alone) == [text]
    assert quotes("Who founded the company?", replace(alone, score=0.12, similarity=0.2)) == []


def test_words_that_say_nothing_in_the_question_s_language_find_nothing():
    text = "La copia es nocturna. Nada más ha sido desde entonces sobre todo según ellos."
    assert quotes("¿Desde cuándo ha sido más nocturna la copia?", passage(text)) == [
        "La copia es nocturna."
    ]


def test_a_pronoun_sentence_is_found_through_the_sentence_before_it():
    text = "The Oberoi Group runs hotels. It has its head office in Delhi. Cats sleep a lot."
    found = quotes("Where is the head office of the Oberoi Group?", passage(text))
    assert "It has its head office in Delhi." in found


KEPT = "The harbour office keeps a book of all ships that enter."
CHECKED = "Each page about ships is checked by the pilot on duty."


@pytest.mark.parametrize(
    ("question", "text", "quoted"),
    [
        ("How is the book of ships at the harbour verified?", f"{KEPT} {CHECKED}", [KEPT, CHECKED]),
        # Items, and the beginning of another paragraph, are not continuations.
        ("How is the book of ships at the harbour verified?", f"- {KEPT}\n- {CHECKED}", [KEPT]),
        ("How is the book of ships at the harbour verified?", f"{KEPT}\n\n{CHECKED}", [KEPT]),
        ("How is the book of ships at the harbour verified?", f"{CHECKED} {KEPT}", [KEPT]),
        # The first sentence is nearly certain.
        ("What does the harbour office keep?", f"{KEPT} {CHECKED}", [KEPT]),
    ],
)  # fmt: skip
def test_the_next_sentence_of_a_paragraph_is_quoted_when_the_first_may_lack_the_answer(
    question, text, quoted
):
    assert quotes(question, passage(f"{text} Cats sleep a lot.")) == quoted
    assert quotes(question, passage(text), max_sentences=1) == [KEPT]


def test_a_second_sentence_is_quoted_when_it_says_what_the_first_does_not():
    first = passage("The alpha cache holds 100 entries.", "c1", document_id="d1")
    second = passage("The beta queue holds 500 jobs.", "c2", document_id="d2")
    draft = ExtractiveGenerator().quote(
        "What do the alpha cache and the beta queue hold?", (first, second)
    )
    assert {citation.document_id for citation in draft.citations} == {"d1", "d2"}


def test_a_second_sentence_that_adds_nothing_of_the_question_is_left_out():
    first = passage("The alpha cache holds 100 entries.", "c1", document_id="d1")
    second = passage("The alpha cache is emptied at noon.", "c2", document_id="d2")
    draft = ExtractiveGenerator().quote(
        "How many entries does the alpha cache hold?", (first, second)
    )
    assert [citation.quote for citation in draft.citations] == [
        "The alpha cache holds 100 entries."
    ]


def test_the_same_sentence_in_two_documents_is_quoted_once():
    copies = (passage("The alpha cache holds 100 entries.", "c1"), passage("The alpha cache holds 100 entries.", "c2"))  # fmt: skip
    assert len(quotes("How many entries does the alpha cache hold?", *copies)) == 1


@pytest.mark.parametrize(
    ("question", "text", "quoted"),
    [
        (
            "Which UDP port receives the traps?",
            "Type the UDP port that receives the traps. The default is 162. Click Save at the end.",
            ["Type the UDP port that receives the traps.", "The default is 162."],
        ),
        (  # The first one has a number.
            "Which UDP port receives the traps?",
            "The UDP port that receives the traps is 162. Another value is 4711.",
            ["The UDP port that receives the traps is 162."],
        ),
        (  # The next one has none.
            "Which UDP port receives the traps?",
            "Type the UDP port that receives the traps. Click Save at the end.",
            ["Type the UDP port that receives the traps."],
        ),
        (  # It is not the next one.
            "Which UDP port receives the traps?",
            "Type the UDP port that receives the traps. Click Save. The room holds 40 people.",
            ["Type the UDP port that receives the traps."],
        ),
    ],
)
def test_the_next_sentence_completes_one_without_what_is_asked_for(question, text, quoted):
    assert quotes(question, passage(text)) == quoted


def test_the_next_sentence_is_not_added_beyond_the_most_sentences():
    text = "Type the UDP port that receives the traps. The default is 162."
    assert len(quotes("Which UDP port receives the traps?", passage(text), max_sentences=1)) == 1


@pytest.mark.parametrize(
    "question", ["Which document is about the rotor brake?", "name of the rotor brake manual"]
)
def test_a_document_is_named_also_from_a_passage_that_is_only_its_heading(question):
    brake = passage("# Rotor brake\n", document_name="brake-7.pdf", title="Rotor brake, level 1")
    other = passage("# Tail lamp\n\nIt glows.", "c2", document_id="d2", title="Tail lamp")
    draft = ExtractiveGenerator().quote(question, (brake, other))
    assert "Rotor brake, level 1 (brake-7.pdf)" in draft.text
    assert draft.citations[0].quote == "Rotor brake"


def test_no_document_is_named_that_has_hardly_a_word_of_the_question():
    other = passage("# Tail lamp\n\nIt glows.", title="Tail lamp")
    assert quotes("Which document explains the kerberos setup of printers?", other) == []


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Which document is about the cache?", True),
        ("title of the manual on caches", True),
        ("Which file formats can be read?", False),
        ("Which document types can be read?", False),
        ("What page size does the database use?", False),
        ("which file holds the settings", False),
    ],
)
def test_formats_and_sizes_are_no_question_for_a_document(question, asks):
    assert AnalysedQuestion.of(question).title is asks


_GROUPS = ("north", "south", "east", "west", "sea", "land")


class CountingReader:
    """A cross-encoder that finds nothing likely and remembers what it read."""

    def __init__(self):
        self.texts = []

    def score(self, question, texts):
        self.texts += texts
        return np.zeros(len(texts))


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How do I disable the pump service?", "pumpctl off"),
        ("When is the pump service disabled?", "At 03:00 it ends."),
    ],
)
def test_of_the_kind_that_is_asked_for_one_unit_is_always_read(question, wanted):
    prose = " ".join(f"The pump service may be disabled by group {name}." for name in _GROUPS)
    text = f"{prose} At 03:00 it ends.\n\n```sh\npumpctl off\n```\n"
    reader = CountingReader()
    analysed = AnalysedQuestion.of(question)
    shipped_models().read.choose(analysed, evidence(analysed, (passage(text),)), reader)
    assert len(reader.texts) == READ
    assert any(wanted in read for read in reader.texts)


class SteadyReader:
    """A cross-encoder that says the same of each text."""

    def __init__(self, reading):
        self.reading = reading

    def score(self, question, texts):
        return np.full(len(texts), self.reading)


@pytest.mark.parametrize(("reading", "answers"), [(MIN_READING, True), (MIN_READING - 0.01, False)])
def test_the_name_of_a_document_does_not_answer_alone(reading, answers):
    page = replace(passage("It holds nine eggs at once."), title="Otterbox shape incubator")
    analysed = AnalysedQuestion.of("shape of the otterbox incubator eggs")
    model = shipped_models().read
    choice = model.choose(analysed, evidence(analysed, (page,)), SteadyReader(reading))
    assert (choice.probability >= choice.threshold) is answers


SPANISH = "¿Cuántos discos guarda el archivo del puerto?"
GERMAN = "Wie viele Bücher hat das Archiv der Stadt?"


@pytest.mark.parametrize(
    ("question", "text", "reading", "found"),
    [
        (SPANISH, "El archivo de la ciudad guarda 90 discos.", 5.0, True),
        (SPANISH, "El archivo de la ciudad guarda 90 discos.", MIN_READING - 0.01, False),
        # The cross-encoder has no say in further languages.
        (GERMAN, "Das Archiv der Stadt hat 90 Bücher.", MIN_READING - 0.01, True),
        ("城市档案馆有多少本书?", "城市档案馆有九十本书。", MIN_READING - 0.01, True),
    ],
)
def test_questions_in_spanish_are_read_too(monkeypatch, question, text, reading, found):
    monkeypatch.setattr(decision, "shipped_reader", lambda: SteadyReader(reading))
    assert quotes(question, passage(text)) == ([text] if found else [])


@pytest.mark.parametrize("question", ["In what year did Ada die?", "¿En qué año murió Ada?"])
def test_the_year_that_is_asked_for_need_not_be_called_one(question):
    analysed = AnalysedQuestion.of(question)
    assert analysed.answer_type is AnswerType.TIME
    assert analysed.terms.keys() <= {"ada", "die", "murió"}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("¿Qué edad tenía Ada?", AnswerType.QUANTITY),
        ("¿En qué ciudad vive Ada?", AnswerType.PLACE),
        ("In welchem Jahr starb Ada?", AnswerType.TIME),
        ("En quelle année est morte Ada ?", AnswerType.TIME),
        ("In quale anno è morta Ada?", AnswerType.TIME),
    ],
)
def test_the_kind_of_answer_is_known_in_other_languages(question, kind):
    assert AnalysedQuestion.of(question).answer_type is kind


def test_a_heading_is_never_the_answer_but_helps_to_find_it():
    text = "# Query cache size\n\nThe default is 100."
    assert quotes("What is the query cache size default?", passage(text)) == ["The default is 100."]


def test_max_sentences_bounds_the_quotes():
    assert len(quotes("What does trimtab do for backups and restores?", max_sentences=1)) <= 1


@settings(max_examples=60, deadline=None)
@given(
    question=st.text(min_size=1, max_size=60), text=st.text(max_size=300), start=st.integers(0, 9)
)
def test_every_quote_equals_the_document_at_its_offsets(question, text, start):
    document = "y" * start + text
    draft = ExtractiveGenerator(min_confidence=0.0).quote(question, (passage(text, start=start),))
    for citation in draft.citations:
        assert document[citation.start : citation.end] == citation.quote != ""
        assert 0.0 <= citation.score <= 1.0


@pytest.mark.parametrize(
    "question",
    ["Can pump X9 be run dry?", "May I run pump X9 dry?", "Must pump X9 not be run dry?"],
)
@pytest.mark.parametrize("around", ["{}", "# Pumps\n\n- {}\n- Pump X8 may be run dry.\n"])
def test_a_prohibition_answers_whether_something_is_allowed(question, around):
    rule = "Pump X9 must not be run dry."
    assert quotes(question, passage(around.format(rule))) == [rule]
