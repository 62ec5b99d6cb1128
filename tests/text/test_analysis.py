import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.index import analysed, query_terms
from trimtab.text.languages import language_of


def terms(text):
    return {term for term in analysed(text).frequencies if " " not in term}


def words(query, *languages):
    return [term.word for term in query_terms(query, languages) if " " not in term.word]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The cache is cold and the queries are slow.", "english"),
        ("La caché está fría y las consultas son lentas.", "spanish"),
        ("Der Cache ist kalt und die Anfragen sind langsam.", "german"),
        ("Le cache est froid et les requêtes sont lentes.", "french"),
        ("La cache è fredda e le richieste sono lente, non le risposte.", "italian"),
        ("O cache está frio e as consultas são lentas.", "portuguese"),
        ("kubectl get pods", "english"),
        ("", "english"),
    ],
)
def test_a_passage_is_read_in_its_own_language(text, language):
    assert analysed(text).language == language


def test_forms_of_a_word_become_one_term():
    assert terms("restarting") == terms("Restarted") == terms("RESTARTS")


def test_accents_do_not_matter():
    assert terms("el índice de la base") == terms("el indice de la base")


def test_names_in_code_are_found_by_their_parts():
    assert {"knowledg", "index", "unreach"} <= terms("code knowledge.index_unreachable")


def test_scripts_without_spaces_become_pairs():
    assert terms("知识库") == {"知识", "识库"}
    assert terms("GPT模型") == {"gpt", "模型"}


def test_length_leaves_function_words_out():
    assert analysed("the cache of the index").length == 2
    assert analysed("").length == 1


def test_a_query_loses_its_function_words():
    assert words("How do I restart the server?", "english") == ["restart", "server"]


def test_two_telling_words_in_a_row_are_a_term():
    assert "cach miss" in analysed("Cache of misses: cache misses").frequencies
    pair = query_terms("why do caches miss", ["english"])[-1]
    assert (pair.word, pair.variants) == ("caches miss", ("cach miss",))
    assert 0 < pair.weight < 1


def test_a_query_of_function_words_alone_keeps_them():
    assert words("To be or not to be", "english") == ["to", "be", "or", "not"]


def test_a_word_asked_for_twice_counts_twice():
    assert [(term.word, term.weight) for term in query_terms("cache cache", ["english"])] == [
        ("cache", 2)
    ]


def test_a_query_has_the_forms_of_every_language_of_the_project():
    (term,) = query_terms("monitoring", ["english", "spanish"])
    assert len(term.variants) == 2


def test_a_query_in_another_language_than_the_project_is_still_read():
    assert "caché" in words("¿dónde está la caché?", "english")


@given(st.text(max_size=300))
def test_any_text_can_be_analysed_and_asked_for(text):
    passage = analysed(text)
    assert passage.length >= 1
    assert all(count >= 1 and term for term, count in passage.frequencies.items())
    for term in query_terms(text, [passage.language]):
        # A query of function words alone has pairs of them; passages have none.
        assert term.variants[0] in passage.frequencies or " " in term.word


def test_an_unknown_language_is_taken_for_english():
    assert language_of(["zzz"]) == "english"
