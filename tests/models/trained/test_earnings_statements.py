"""Statements that the earnings analyzer reads in sentences of our own."""

import pytest

from trimtab.models.trained.earnings.parser import Context, read_sentence

USD = Context()

# (sentence, ((words of the amount, metric, amount, unit, kind, direction, nature), ...))
READINGS = [
    (
        "Net sales rose 12% to $3.4 billion in the second quarter.",
        (
            ("12%", "revenue", 12.0, "percent", "change", "up", "result"),
            ("$3.4 billion", "revenue", 3.4e9, "usd", "level", "up", "result"),
        ),
    ),
    (
        "Gross margin contracted 140 basis points to 38.2%.",
        (
            ("140 basis points", "gross_margin", 140.0, "basis_points", "change", "down", "result"),
            ("38.2%", "gross_margin", 38.2, "percent", "level", "down", "result"),
        ),
    ),
    (
        "We expect full-year capital expenditures of $90 million to $110 million.",
        (
            ("$90 million", "capex", 9e7, "usd", "level", "none", "guidance"),
            ("$110 million", "capex", 1.1e8, "usd", "level", "none", "guidance"),
        ),
    ),
    (
        "Adjusted diluted earnings per share were $1.42, compared with $1.18 a year ago.",
        (
            ("$1.42", "adjusted_eps", 1.42, "per_share_usd", "level", "none", "result"),
            ("$1.18", "adjusted_eps", 1.18, "per_share_usd", "level", "none", "result"),
        ),
    ),
    (
        "The net loss narrowed to €7.5 million.",
        (("€7.5 million", "net_income", -7.5e6, "eur", "level", "up", "result"),),
    ),
    (
        "Operating cash flow was $(3.1) million for the quarter.",
        (("$(3.1) million", "operating_cash_flow", -3.1e6, "usd", "level", "none", "result"),),
    ),
    (
        "The board declared a quarterly dividend of 25 cents per share.",
        (("25 cents", "dividend", 0.25, "per_share_usd", "level", "none", "result"),),
    ),
    (
        "Our effective tax rate is expected to be between 24 and 26 percent.",
        (
            ("24", "tax_rate", 24.0, "percent", "level", "none", "guidance"),
            ("26 percent", "tax_rate", 26.0, "percent", "level", "none", "guidance"),
        ),
    ),
    (
        "Backlog at year end was a record $2.75 billion, up 8% from last year.",
        (
            ("$2.75 billion", "backlog", 2.75e9, "usd", "level", "up", "result"),
            ("8%", "backlog", 8.0, "percent", "change", "up", "result"),
        ),
    ),
    (
        "We bought back 1.2 million shares for $64 million.",
        (
            ("1.2 million", "buyback", 1.2e6, "count", "level", "none", "result"),
            ("$64 million", "buyback", 6.4e7, "usd", "level", "none", "result"),
        ),
    ),
    (
        "Organic growth was five and a half percent.",
        (
            (
                "five and a half percent",
                "organic_revenue_growth",
                5.5,
                "percent",
                "change",
                "up",
                "result",
            ),
        ),
    ),
    (
        "Comparable store sales decreased 3.2%.",
        (("3.2%", "same_store_sales", 3.2, "percent", "change", "down", "result"),),
    ),
    (
        "Revenue and operating income were $812 million and $97 million, respectively.",
        (
            ("$812 million", "revenue", 8.12e8, "usd", "level", "none", "result"),
            ("$97 million", "operating_income", 9.7e7, "usd", "level", "none", "result"),
        ),
    ),
    (
        "Interest expense fell by $4 million due to lower borrowings.",
        (("$4 million", "interest_expense", 4e6, "usd", "change", "down", "result"),),
    ),
    (
        "We ended the quarter with £48 million of cash and net debt to EBITDA of 1.9 times.",
        (
            ("£48 million", "cash", 4.8e7, "gbp", "level", "none", "result"),
            ("1.9 times", "leverage", 1.9, "multiple", "level", "none", "result"),
        ),
    ),
    (
        "For 2027 we are targeting cost savings of at least CHF 30 million.",
        (("CHF 30 million", "cost_savings", 3e7, "chf", "level", "none", "guidance"),),
    ),
    (
        "SG&A expense increased $6.3 million, or 4%, to $164 million.",
        (
            ("$6.3 million", "operating_expenses", 6.3e6, "usd", "change", "up", "result"),
            ("4%", "operating_expenses", 4.0, "percent", "change", "up", "result"),
            ("$164 million", "operating_expenses", 1.64e8, "usd", "level", "up", "result"),
        ),
    ),
    (
        "Free cash flow reached RMB 1.1 billion.",
        (("RMB 1.1 billion", "free_cash_flow", 1.1e9, "cny", "level", "none", "result"),),
    ),
    (
        "Subscription revenue accounted for 71% of total revenue.",
        (("71%", "other", 71.0, "percent", "level", "none", "result"),),
    ),
    (
        "The results beat our guidance: EBITDA was $55 million.",
        (("$55 million", "ebitda", 5.5e7, "usd", "level", "none", "result"),),
    ),
]

NOTHING = [
    "Could you tell us whether the 40% margin in your wireless segment is sustainable?",
    "If fuel prices moved by 10%, our costs would change by about $2 million.",
    "According to the trade association, industry shipments fell 6% in March.",
    "We operate 1,250 restaurants in 14 countries.",
    "Please turn to slide 12 of the presentation.",
    "We will hold our annual meeting on May 14, 2027 at 9:30.",
    "About 80% of our stores were open at the end of the month.",
    "The form 10-K was filed on February 26.",
    "In the trial, 62% of patients responded to treatment.",
    "We aim to cut carbon emissions by 50% until 2035.",
]


@pytest.mark.parametrize(("sentence", "expected"), READINGS, ids=[r[0][:40] for r in READINGS])
def test_reads_each_statement(sentence, expected):
    found = read_sentence(sentence, 0, USD)
    assert tuple(
        (sentence[s.start : s.end], s.metric, s.amount, s.unit, s.value_kind, s.direction, s.nature)
        for s in found
    ) == tuple((w, m, pytest.approx(a), u, k, d, n) for w, m, a, u, k, d, n in expected)


@pytest.mark.parametrize("sentence", NOTHING)
def test_reads_nothing_where_the_company_states_nothing(sentence):
    from trimtab.models.trained.earnings.analyzer import read_report

    assert [s for _, _, statements in read_report(sentence) for s in statements] == []


def test_a_range_has_a_low_and_a_high_end():
    low, high = read_sentence("We expect EPS of $2.10 to $2.30 for the year.", 0, USD)
    assert (low.bound, high.bound) == ("low", "high")
    assert (low.amount, high.amount) == (2.1, 2.3)


def test_offsets_are_those_of_the_whole_text():
    sentence = "Revenue was $5 million."
    (statement,) = read_sentence(sentence, 100, USD)
    assert sentence[statement.start - 100 : statement.end - 100] == "$5 million"


def test_an_amount_without_currency_takes_that_of_the_report():
    (statement,) = read_sentence("Revenue was 5 million.", 0, Context(currency="sek"))
    assert statement.unit == "sek"


@pytest.mark.parametrize(
    ("sentence", "period", "basis"),
    [
        ("Revenue grew 5% in the third quarter compared to last year.", "Q3", "year_over_year"),
        ("Revenue grew 5% sequentially.", "", "sequential"),
        ("Sales for the first nine months of 2026 increased 2%.", "9M FY2026", ""),
        ("As of June 30, 2026, debt had increased by $10 million.", "2026-06-30", ""),
        ("Q2 fiscal 2026 sales rose 3% year over year.", "Q2 FY2026", "year_over_year"),
    ],
)
def test_reads_period_and_basis(sentence, period, basis):
    (statement,) = read_sentence(sentence, 0, USD)
    assert (statement.period, statement.basis) == (period, basis)


def test_a_long_text_without_sense_takes_time_in_proportion_to_its_length():
    from trimtab.models.trained.earnings.numbers import find_amounts

    assert len(find_amounts("1 " * 20_000)) <= 20_000
    assert find_amounts("$" * 20_000) == []
