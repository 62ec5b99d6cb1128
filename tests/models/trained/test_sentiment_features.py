"""The embedding model gets texts without links, in training as in prediction."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.models.trained.factory import LetterEncoder
from trimtab.models.rows import Rows
from trimtab.models.trained.datasets import LabelledTexts
from trimtab.models.trained.sentiment.features import MAX_CHARACTERS, encoder_text
from trimtab.models.trained.sentiment.model import SentimentPredictor
from trimtab.models.trained.sentiment.training import encode

TWEETS = ("Acme up https://t.co/abc today", "Acme  down")
PLAIN = ["Acme up today", "Acme down"]


class Recorder(LetterEncoder):
    """Keeps what it embeds."""

    def embed(self, texts):
        self.seen = list(texts)
        return super().embed(texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme up https://t.co/abc", "Acme up"),
        ("http://a.example/x Acme\nup", "Acme up"),
        ("https://t.co/abc", "https://t.co/abc"),
        ("", ""),
        ("a" * (MAX_CHARACTERS + 1), "a" * MAX_CHARACTERS),
    ],
)
def test_links_and_gaps_are_left_out_unless_there_is_nothing_else(text, expected):
    assert encoder_text(text) == expected


def test_training_and_prediction_embed_the_same_texts():
    encoder = Recorder()
    encode(LabelledTexts(TWEETS, np.array(["positive", "negative"])), encoder)
    assert encoder.seen == PLAIN
    weights = SimpleNamespace(encoder=encoder.model_id, probabilities=lambda *_: np.eye(3)[:2])
    SentimentPredictor(weights, encoder).predict(Rows(("text",), columns={"text": list(TWEETS)}))
    assert encoder.seen == PLAIN
