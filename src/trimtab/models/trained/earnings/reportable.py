"""Decides whether an amount is a statement of the company about itself."""

import re

from trimtab.models.trained.earnings import numbers
from trimtab.models.trained.earnings.metrics import Mention
from trimtab.models.trained.earnings.numbers import Amount

_COUNTED = re.compile(
    r"^\s*(?:(?!(?:of|in|to|and|or|for|per|from|by|during|at|on|with|was|is|compared)\b)[a-z-]+\s+){0,4}?(?:shares|customers?|subscribers|users|members|merchants|subscriptions|policyholders|units|vehicles|cars|trucks"
    r"|cartridges|tests|barrels|boe|homes|doses|passengers|containers|transactions|devices|systems|aircraft|ounces|loads|acres"
    r"|gallons|orders|downloads|kits|instruments|tickets|rooms|cases|pounds|accounts|clients|lots)\b(?!\s+(?:repurchase|buyback))",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"^[\s-]*(?:minutes?|hours?|days?|weeks?|months?|years?|seconds?)\b(?!\s+(?:ago|over|on))",
    re.IGNORECASE,
)
_PEOPLE_AND_PLACES = re.compile(
    r"^[\s-]{0,8}(?:(?!(?:of|in|to|and|or|for|from|by|was|is|a|an|the)\b)[a-z-]+\s+){0,3}?(?:employees"
    r"|people|associates|stores|restaurants|locations|sites|countries|states|cities|markets|patients"
    r"|candidates|therapies|trials|children|families|households|students|teammates|colleagues"
    r"|team members|workers|branches|hospitals|centers|miles|properties|buildings|projects)\b",
    re.IGNORECASE,
)
_SHARE_OF_WHAT = re.compile(
    r"^\s*of\s+(?:(?:our|the|their|all|these|those|its|total|existing|company|us)\s+){0,3}(?:[a-z-]+\s+){0,2}(?:sites?|stores?|locations|employees|workforce|people|patients|customers|clients|restaurants|population|americans"
    r"|consumers|respondents|households|staff|team|associates|users|companies|hospitals|students|members|participants|bacteria|cases|offices|facilities|markets?|countries|borrowers|the time|locations|capacity)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"^\s*of\s+(?:(?:our|the|total|its|net|all|their|that|this|consolidated|company|overall|which)\b|[a-z]+)",
    re.IGNORECASE,
)
_OWN_SHARE = re.compile(
    r"^\s*of\s+(?:(?:our|its|total|net|consolidated|company|group)\b|(?:the )?(?:company|group|total|sales|revenues?)\b)",
    re.IGNORECASE,
)
_SHARE_VERB = re.compile(
    r"\b(?:represent\w*|account\w* for|made up|makes? up|compris\w*|contribut\w*|constitut\w*|share of)\s+(?:(?:of|about|approximately|roughly|nearly|over|more than|for|around|just|uh,?|only|the|other|remaining|by|less)\s+){0,4}$",
    re.IGNORECASE,
)
_LEVEL_OF = frozenset(
    {
        "gross_margin",
        "operating_margin",
        "ebitda_margin",
        "capex",
        "operating_expenses",
        "tax_rate",
        "net_income",
        "debt",
        "dividend",
    }
)
_OUTSIDE = re.compile(
    r"\baccording to\b|\b(?:passenger car|gdp|unemployment|inflation|cpi|industry(?:'s|-wide)?|macro\w*|economy|(?:the|this|that) market (?:is|was|grew|will|has|size)|cagr|global market|addressable market|tam|worldwide|nationwide"
    r"|patients?|clinical|efficacy|bacteria|trial|phase (?:two|three|ii|iii|2|3)|co2|carbon|emissions|greenhouse|net[- ]zero|vaccin\w+|infections?|hospital\w*|in the u\.?s\.? population|census|usda|bushels|acreage|crops?|cases|surveys?|respondents)\b",
    re.IGNORECASE,
)
_HYPOTHESIS = re.compile(
    r"^\W*(?:(?:and|so|but|um|uh|now|well)\W+)*(?:if|suppose|let's say|imagine)\b|\b(?:every|each) (?:[a-z0-9.$%-]+ ){0,4}(?:change|increase|decrease|move|point|dollar)\b|\bfor example,? if\b|\bearn-?out\b|\bcontingent (?:payment|consideration)s?\b|\bmilestone payments?\b|\bsensitivit\w+|\bscenarios?\b|\bcontingent value\b|\bpayment rights?\b",
    re.IGNORECASE,
)
_COMPANY = re.compile(r"\b(?:we|our|us|we're|we've|we'll|the company|i)\b", re.IGNORECASE)


def countable(after: str) -> bool:
    """Return whether a noun that companies count follows a number."""
    return _COUNTED.search(after) is not None


def is_share(text: str, amount: Amount, mention: Mention | None) -> bool:
    """Return whether a percentage is a share of something: "20 % of our revenue"."""
    after, before = (
        text[amount.end : amount.end + 60],
        text[max(0, amount.start - 70) : amount.start],
    )
    if _SHARE_VERB.search(before):
        return True
    if not _SHARE.search(after):
        return False
    named = mention is not None and mention.end <= amount.start and not mention.weak
    return not (named and mention is not None and mention.metric in _LEVEL_OF)


def is_reportable(text: str, amount: Amount, mention: Mention | None, *, changed: bool) -> bool:
    """Return whether the company states the amount about its own figures."""
    after = text[amount.end : amount.end + 60]
    if (
        amount.kind == numbers.MONEY
        and not amount.unit
        and (_TIMES.search(after) or _PEOPLE_AND_PLACES.search(after))
    ):
        return False
    if _SHARE_OF_WHAT.search(after) and amount.kind == numbers.PERCENT:
        return False
    if _OUTSIDE.search(text) and not (
        _COMPANY.search(text) and mention is not None and not mention.weak
    ):
        return False
    if _HYPOTHESIS.search(text):
        return False
    return _supported(text, amount, mention, changed=changed)


def _supported(text: str, amount: Amount, mention: Mention | None, *, changed: bool) -> bool:
    strong = mention is not None and not mention.weak
    if amount.kind == numbers.MULTIPLE:
        return mention is not None and mention.metric == "leverage"
    if amount.kind in {numbers.POINTS, numbers.BASIS_POINTS, numbers.PERCENT}:
        own = _OWN_SHARE.search(text[amount.end : amount.end + 60]) is not None
        company = _COMPANY.search(text) is not None
        return (
            strong
            or changed
            or own
            or amount.kind == numbers.BASIS_POINTS
            or (company and mention is not None)
        )
    if amount.kind in {numbers.COUNT, numbers.QUANTITY}:
        return mention is not None or _COMPANY.search(text) is not None
    if mention is None and not amount.scaled and abs(amount.value) < 10_000:
        return False
    return mention is not None or _COMPANY.search(text) is not None
