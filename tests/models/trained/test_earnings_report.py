"""Whole reports and calls: speakers, tone, overall score and the sentences it rests on."""

import numpy as np
import pytest

from tests.models.trained.factory import write_statements
from trimtab.models.trained.earnings.analyzer import analyse
from trimtab.models.trained.earnings.speakers import outsider_sentences
from trimtab.models.trained.earnings.tone import FEATURES, ToneModel, tone_features
from trimtab.models.trained.earnings.training import fit_tone, read_labelled
from trimtab.text.sentences import sentences

CALL = (
    "Good morning, and welcome to the Acme call. Revenue grew 6% to $120 million. "
    "We expect capital expenditures of $15 million this year. "
    "Our first question comes from Pat Doe of Example Bank. "
    "Thanks for taking my question, your gross margin was 41% last year. "
    "Is 45% possible? "
    "We think our gross margin will be 43% this year."
)


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentences")
    write_statements(folder)
    return fit_tone(read_labelled(folder))


def test_analysts_and_operators_are_outsiders():
    found = outsider_sentences([part.text for part in sentences(CALL)])
    assert found == (False, False, False, True, True, True, False)


def test_a_presentation_without_questions_has_no_outsiders():
    text = "Our margin was 5%. You can see that on the slide. We paid from cash."
    assert outsider_sentences([part.text for part in sentences(text)]) == (False,) * 3


def test_statements_of_analysts_are_left_out(tone):
    report = analyse(CALL, tone)
    words = [CALL[s.start : s.end] for part in report.sentences for s in part.statements]
    assert words == ["6%", "$120 million", "$15 million", "43%"]


def test_good_news_scores_above_bad_news(tone):
    good = analyse("Revenue rose 9% to a record. Net income grew 12%.", tone)
    bad = analyse("Revenue fell 9% in a weak market. Net income decreased 12%.", tone)
    assert good.score > 0 > bad.score
    assert good.evidence[0].tone == "positive"
    assert bad.evidence[0].tone == "negative"


def test_the_score_of_a_text_without_news_is_zero(tone):
    report = analyse("", tone)
    assert (report.score, report.evidence, report.sentences) == (0.0, (), ())
    assert report.probabilities.sum() == pytest.approx(1)


def feature(text, name):
    from trimtab.models.trained.earnings.parser import Context, read_sentence

    values = tone_features(text, read_sentence(text, 0, Context()), outsider=False)
    return values[FEATURES.index(name)]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("EBITDA was $15 million versus $21 million in the prior year period.", -1),
        ("EBITDA was $21 million versus $15 million in the prior year period.", 1),
        ("Operating expenses were $8 million compared with $9 million a year ago.", 1),
        ("Debt increased by $10 million.", -1),
        ("Revenue was $10 million.", 0),
    ],
)
def test_movements_count_by_what_they_mean_for_the_company(text, sign):
    assert np.sign(feature(text, "balance of moves")) == sign


def test_weights_of_other_features_are_refused(tone):
    content = tone.to_bytes().replace(b'"guidance"', b'"weather"')
    with pytest.raises(ValueError, match="other features"):
        ToneModel.from_bytes(content)
    assert np.allclose(ToneModel.from_bytes(tone.to_bytes()).weights, tone.weights, atol=1e-6)
