import numpy as np
import pytest

from trimtab.knowledge.errors import IndexStale
from trimtab.knowledge.index import IndexedPassage, ProjectIndex, query_terms
from trimtab.knowledge.index.vectors import best_first

DIMENSION = 16
TEXTS = ["the cache is cold", "the disk is full", "the proxy is slow", "the queue is long"]


def unit_rows(count):
    rows = np.random.default_rng(0).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def passages(count):
    rows = unit_rows(count)
    return [IndexedPassage(key, TEXTS[key % 4], rows[key]) for key in range(count)]


def filled(count=8, exact_limit=1000):
    index = ProjectIndex(DIMENSION, exact_limit)
    index.add(passages(count))
    return index


def stored(count=8):
    return np.arange(count), unit_rows(count)


def words_found(index, query):
    terms = query_terms(query, index.words.languages)
    matches = index.words.search(terms)
    return best_first(matches.keys, matches.scores, 100)[0].tolist()


@pytest.mark.parametrize("exact_limit", [4, 1000])
def test_a_saved_index_answers_as_before(tmp_path, exact_limit):
    index = filled(exact_limit=exact_limit)
    index.save(tmp_path / "index", 7)
    loaded = ProjectIndex.load(tmp_path / "index", 7, stored(), exact_limit)
    assert loaded.vectors.engine == index.vectors.engine
    assert words_found(loaded, "cold caches") == words_found(index, "cold caches") != []
    query = unit_rows(3)[2]
    np.testing.assert_array_equal(
        loaded.vectors.search(query, 5).keys, index.vectors.search(query, 5).keys
    )


def test_a_saved_index_holds_no_words(tmp_path):
    index = ProjectIndex(dimension=4)
    index.add([IndexedPassage(1, "The confidential merger with Hallam", None)])
    index.save(tmp_path / "p.index", 1)
    content = (tmp_path / "p.index").read_bytes().lower()
    assert not [word for word in (b"confidenti", b"merger", b"hallam") if word in content]


def test_a_loaded_index_can_be_changed(tmp_path):
    filled().save(tmp_path / "index", 1)
    index = ProjectIndex.load(tmp_path / "index", 1, stored())
    index.remove([0])
    index.add([IndexedPassage(99, "a new cache", unit_rows(1)[0])])
    assert words_found(index, "new caches") == [99, 4]


def test_an_index_of_another_version_is_stale(tmp_path):
    filled().save(tmp_path / "index", 1)
    with pytest.raises(IndexStale, match="another version"):
        ProjectIndex.load(tmp_path / "index", 2, stored())


def test_a_missing_index_is_stale(tmp_path):
    with pytest.raises(IndexStale):
        ProjectIndex.load(tmp_path / "index", 1, stored())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.999])
def test_a_flipped_byte_is_found(tmp_path, share):
    file = tmp_path / "index"
    filled().save(file, 1)
    content = bytearray(file.read_bytes())
    content[int(share * len(content))] ^= 1
    file.write_bytes(content)
    with pytest.raises(IndexStale, match="damaged"):
        ProjectIndex.load(file, 1, stored())


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_file_is_found(tmp_path, share):
    file = tmp_path / "index"
    filled().save(file, 1)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(IndexStale):
        ProjectIndex.load(file, 1, stored())


def test_a_save_that_was_cut_short_leaves_the_old_file(tmp_path):
    filled().save(tmp_path / "index", 1)
    (tmp_path / ".index.partial").write_bytes(b"half")
    assert len(ProjectIndex.load(tmp_path / "index", 1, stored())) == 8


def test_an_empty_index_can_be_saved(tmp_path):
    ProjectIndex(DIMENSION).save(tmp_path / "index", 1)
    empty = (np.empty(0, np.int64), np.empty((0, DIMENSION), np.float32))
    assert len(ProjectIndex.load(tmp_path / "index", 1, empty)) == 0


def test_a_passage_without_vector_is_found_by_words_until_it_has_one():
    index = ProjectIndex(DIMENSION)
    index.add([IndexedPassage(1, "the cache is cold", None)])
    assert words_found(index, "cache") == [1]
    assert len(index.vectors) == 0
    index.add([IndexedPassage(1, "the cache is cold", unit_rows(1)[0])])
    assert len(index.vectors) == len(index) == 1


def test_the_difference_to_the_store_says_what_to_change():
    index = ProjectIndex(DIMENSION)
    rows = unit_rows(3)
    index.add([IndexedPassage(1, "one", rows[0]), IndexedPassage(2, "two", None)])
    difference = index.difference(np.array([2, 3]), np.array([2, 3]))
    assert difference.gone.tolist() == [1]
    assert difference.missing.tolist() == [2, 3]
    same = index.difference(np.array([1, 2]), np.array([1]))
    assert len(same.gone) == len(same.missing) == 0


def test_a_saved_index_takes_less_room_than_the_texts_it_finds(tmp_path):
    words = [f"word{number}" for number in range(300)]
    texts = [" ".join(words[at : at + 100]) for at in range(200)]
    index = ProjectIndex(DIMENSION)
    index.add(IndexedPassage(key, text, None) for key, text in enumerate(texts))
    index.save(tmp_path / "index", 1)
    assert (tmp_path / "index").stat().st_size < len("".join(texts)) / 4
