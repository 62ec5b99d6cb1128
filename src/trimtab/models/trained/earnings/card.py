"""Model card of the earnings analyzer."""

from trimtab.models.trained.cards import ModelCard

CARD = ModelCard(
    title="earnings-analyzer",
    purpose=(
        "Reads an earnings report or the transcript of a call: each amount as metric, value, unit,"
        " period, direction, and result or guidance; and a score of the whole with the sentences it"
        " rests on."
    ),
    data=(
        "172 sentences of 30 earnings calls of 2020 (Earnings-21, Del Rio et al., Rev.com) with"
        " their statements and tones. They fit the weights of the tone only; statements are found"
        " by rules from general knowledge of how companies report."
    ),
    licence=(
        "CC BY-SA 4.0 (texts and labels, source Rev.com / Earnings-21). Neither texts nor labels"
        " are part of this product; the tone weights are 54 numbers."
    ),
    method=(
        "Amounts by one linear-time pattern (currency, number, scale, unit, range). Each amount is"
        " linked to the nearest mention of a metric, by words and clause borders between them and"
        " by unit. Verbs around it tell change, level and direction; verbs and nouns of the"
        " clause tell guidance. Sentences of analysts and operators are left out by the turns"
        " of the call."
        " Tone: logistic regression over movements and word lists."
    ),
    limits=(
        "English. Written for calls and reports of companies, not for news or research notes.",
        (
            "Figures of tone are those of weights that have not seen the call (leave one call out)."
            " The rules were written with half of the calls in sight; a set of other calls"
            " measures lower."
        ),
        (
            'Periods of comparison ("last year") and the metric of figures without a name nearby'
            " are the weakest fields."
        ),
        "Amounts without a currency take the one that the text names most.",
        "Tables of a report are read row by row as text; use the company's XBRL for tables.",
    ),
)
