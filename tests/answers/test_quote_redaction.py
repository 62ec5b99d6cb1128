"""Quotes of an erased person's documents in other people's answers."""

import pytest

from tests.answers.service import QUESTION, Whole
from trimtab.answers import Question
from trimtab.answers.quote_redaction import ERASED, QuoteStore

pytestmark = pytest.mark.usefixtures("databases")


def test_a_quote_is_blanked_in_every_trace_and_its_figures_stay(tmp_path):
    whole = Whole(tmp_path)
    try:
        answer = whole.service.answer(Question("p", QUESTION, user_id="bob"))
        quotes = QuoteStore(whole.database)
        assert (quotes.count({"other"}), quotes.count({"d1"})) == (0, 1)
        assert (quotes.blank({"d1"}), quotes.count({"d1"})) == (1, 0)
        kept = whole.service.traces.find(answer.trace_id)
        said = {(c.quote, c.document_name, c.title, c.heading) for c in kept.answer.citations}
        assert (kept.answer.text, said) == (ERASED, {(ERASED, ERASED, "", "")})
        assert kept.answer.confidence == answer.confidence
    finally:
        whole.close()
