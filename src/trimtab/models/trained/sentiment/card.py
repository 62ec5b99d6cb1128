"""Model card of the sentiment analyzer."""

from trimtab.models.trained.cards import ModelCard

CARD = ModelCard(
    title="sentiment-analyzer",
    purpose=(
        "Tells whether a short financial text (tweet, headline, sentence) is bad (`negative`),"
        " no (`neutral`) or good (`positive`) news for the company or market in it."
    ),
    data=(
        "9,543 tweets of zeroshot/twitter-financial-news-sentiment (training split): 6,178 neutral,"
        " 1,923 positive, 1,442 negative."
    ),
    licence="MIT (the card of the data set). The texts are not part of this product.",
    method=(
        "The sum of two models with balanced classes, over n-grams and the states of two encoders:"
        " the sentence vector of all-MiniLM-L6-v2, and the mean token state of the shipped"
        " cross-encoder (ms-marco-MiniLM-L-12-v2), which reads the text with a fixed question."
        " One is linear: a support vector machine for each class over words, pairs, triples, pairs"
        " over a gap and character n-grams with inverse document frequency, and those states. The"
        " other is a kernel ridge regression (radial) over the states."
        " Probabilities by temperature scaling on out-of-fold scores. Links are dropped; in the"
        " n-grams tickers and numbers are replaced by their kind."
    ),
    limits=(
        "English only. Tweets of 2019 to 2021: later words are read by their letters.",
        (
            "The labels are market views (bearish, bullish) of one labelling team; on other sources"
            " (annual reports, press releases) the share of each class and the calibration differ."
        ),
        "Only the first 2,000 characters of a text are read. For reports use earnings-analyzer.",
        "The weights hold for one embedding model; with another one the version refuses to load.",
        (
            "The file holds one vector of each training text (no words): the kernel compares with"
            " them. They can tell whether a known text was among them."
        ),
        "It is no investment advice: it reads words, not prices.",
    ),
)
