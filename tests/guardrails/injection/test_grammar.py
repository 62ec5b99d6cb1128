import re

from trimtab.guardrails.injection import grammar

TASKS = ["Write a poem about tea.", "What is a haiku?"]


def test_texts_are_the_same_for_the_same_seed_and_other_ones_for_another():
    assert grammar.attacks(1, 300, TASKS) == grammar.attacks(1, 300, TASKS)
    assert grammar.attacks(1, 300, TASKS) != grammar.attacks(2, 300, TASKS)


def test_every_slot_is_filled():
    texts = grammar.attacks(1, 600, TASKS) + grammar.harmless(1, 600, TASKS)
    assert not [text for text in texts if re.search(r"\{[a-zA-Z]+\}", text)]


def test_no_harmless_text_is_also_an_attack():
    assert not set(grammar.attacks(1, 1_000, TASKS)) & set(grammar.harmless(1, 1_000, TASKS))
