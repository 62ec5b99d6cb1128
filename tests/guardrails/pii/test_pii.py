# ruff: noqa: RUF001 - full-width forms and dashes are the subject.
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii import find, redact
from trimtab.guardrails.pii.guard import PiiGuard, QuestionPiiGuard
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision

FOUND = [
    ("Write to ann.lee+x@mail.example.org, please.", "EMAIL_ADDRESS", "ann.lee+x@mail.example.org"),
    ("See https://example.com/a?b=c.", "DOMAIN_NAME", "https://example.com/a?b=c"),
    ("at www.example.com now", "DOMAIN_NAME", "www.example.com"),
    ("IBAN GB82 WEST 1234 5698 7654 32.", "IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
    ("iban de89370400440532013000", "IBAN_CODE", "de89370400440532013000"),
    ("Please wire it to ES6581733955922127051506 by Friday.", "IBAN_CODE", "ES6581733955922127051506"),
    ("Refund to ES13 9257 1208 7937 6074 8527 please.", "IBAN_CODE", "ES13 9257 1208 7937 6074 8527"),
    ("pay with 4111 1111 1111 1111 now", "CREDIT_CARD", "4111 1111 1111 1111"),
    ("pay with 5500-0000-0000-0004", "CREDIT_CARD", "5500-0000-0000-0004"),
    ("amex 378282246310005", "CREDIT_CARD", "378282246310005"),
    ("My SSN is 536-90-4399", "US_SSN", "536-90-4399"),
    ("social security number 536904399", "US_SSN", "536904399"),
    ("from 192.168.17.4 today", "IP_ADDRESS", "192.168.17.4"),
    ("from 2001:db8::ff00:42:8329 today", "IP_ADDRESS", "2001:db8::ff00:42:8329"),
    ("mac 00:1b:44:11:3a:b7", "MAC_ADDRESS", "00:1b:44:11:3a:b7"),
    ("Call +44 20 7946 0958 now", "PHONE_NUMBER", "+44 20 7946 0958"),
    ("Call +46 (0)179 459 33", "PHONE_NUMBER", "+46 (0)179 459 33"),
    ("(541) 754-3010 is it", "PHONE_NUMBER", "(541) 754-3010"),
    ("541-754-3010x4587 is it", "PHONE_NUMBER", "541-754-3010x4587"),
    ("Mobile: 0490 39 07 81", "PHONE_NUMBER", "0490 39 07 81"),
    ("phone 668 5702", "PHONE_NUMBER", "668 5702"),
    ("driver's license number is F162823540116", "US_DRIVER_LICENSE", "F162823540116"),
    ("passport number 123456789", "PASSPORT", "123456789"),
    ("DNI 12345678Z", "NATIONAL_ID", "12345678Z"),
    ("CPF 529.982.247-25", "NATIONAL_ID", "529.982.247-25"),
    ("born on 4/5/1992", "BIRTH_DATE", "4/5/1992"),
    ("zip code 94107", "ZIP_CODE", "94107"),
    ("to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO_WALLET", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    # Other separators and other digits.
    ("account GB82-WEST-1234-5698-7654-32 at the bank", "IBAN_CODE", "GB82-WEST-1234-5698-7654-32"),
    ("account GB82.WEST.1234.5698.7654.32.", "IBAN_CODE", "GB82.WEST.1234.5698.7654.32"),
    ("the number 5500.0000.0000.0004 expires", "CREDIT_CARD", "5500.0000.0000.0004"),
    ("account GB82\u00a0WEST\u00a01234\u00a05698\u00a07654\u00a032", "IBAN_CODE", "GB82\u00a0WEST\u00a01234\u00a05698\u00a07654\u00a032"),
    ("ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２", "IBAN_CODE", "ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２"),
    ("the number ５５００００００００００００４ expires", "CREDIT_CARD", "５５００００００００００００４"),
    ("the number ٥٥٠٠٠٠٠٠٠٠٠٠٠٠٠٤ expires", "CREDIT_CARD", "٥٥٠٠٠٠٠٠٠٠٠٠٠٠٠٤"),
    ("the number 5500\u202f0000\u202f0000\u202f0004", "CREDIT_CARD", "5500\u202f0000\u202f0000\u202f0004"),
    ("the number 5500–0000–0000–0004", "CREDIT_CARD", "5500–0000–0000–0004"),
    ("卡号5500000000000004。", "CREDIT_CARD", "5500000000000004"),
    # The nearest name decides, and a name in another sentence or clause does not count.
    ("The order number 12 was paid with card 5500000000000004.", "CREDIT_CARD", "5500000000000004"),
    ("Keep the order number. Then send 5500000000000004.", "CREDIT_CARD", "5500000000000004"),
    ("the customer gave 5500000000000004", "CREDIT_CARD", "5500000000000004"),
    ("the serial number, then 5500000000000004", "CREDIT_CARD", "5500000000000004"),
]  # fmt: skip

NONE = [
    "The cache holds 1,000 entries and 3.14159 is pi.",
    "On 2024-03-25 at 14:05:33 the P99 was 1234.567 ms.",
    "Version 1.2.3.4 of the package",
    "4111 1111 1111 1112 fails its check",
    "GB82 WEST 1234 5698 7654 33 fails its check",
    "ratio 3/4, pages 10-15, 2001-2005",
    "sha 9f133c5ab0e1d2f3",
    "order number 7788990011",
    "000-12-3456 and 666-12-3456 were never issued",
    "999.999.999.999",
    "a ratio of 12:30",
    "invoice 20240325001",
    "12345678A has the wrong letter",
    "It took 120 000 000 steps",
    "a factor of 4111.111111111111",
    # Named as something else: the checksum alone is no proof.
    "The phone has the IMEI 490154203237518.",
    "The IMEI of the spare tablet of the office is 490154203237518.",
    "imei: 490154203237518",
    "The lathe has the order number 5500000000000004.",
    "order no. 5500000000000004",
    "Order: 5500000000000004",
    "order_no: 5500000000000004",
    "the part numbers 5500000000000004 and 4111111111111111",
    "serial number 4111 1111 1111 1111",
    "part number 536-90-4399",
    "Bestellnummer 5500000000000004",
    "el número de pedido es 5500000000000004",
    "numéro de série : 5500000000000004",
    "订单号5500000000000004",
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_personal_data_is_found_with_its_exact_place(text, kind, value):
    assert [(f.type, text[f.start : f.end]) for f in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_is_left_alone(text):
    assert find(text) == ()


def test_redaction_replaces_each_finding_by_its_type():
    text = "Ann (ann@example.com, +44 20 7946 0958) pays with 4111111111111111."
    assert redact(text) == "Ann (<EMAIL_ADDRESS>, <PHONE_NUMBER>) pays with <CREDIT_CARD>."


@given(st.text(alphabet="0123456789+-() .@abcx:/\n", max_size=120) | st.text(max_size=120))
def test_findings_are_ordered_apart_and_inside_the_text(text):
    found = find(text)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert redact("plain words only") == "plain words only"


def test_an_answer_with_a_card_number_is_blocked_and_the_number_not_repeated():
    judged = PiiGuard().check(Subject("Card 4111111111111111"), GuardRules())
    assert (judged.decision, judged.findings) == (Decision.BLOCK, ("CREDIT_CARD",))
    assert "4111" not in str(judged)


def test_an_answer_with_an_address_of_the_team_is_only_a_warning():
    judged = PiiGuard().check(Subject("Write to ops@example.com"), GuardRules())
    assert judged.decision is Decision.WARN


def test_the_rules_say_which_kinds_block():
    rules = GuardRules(pii_block_types=("EMAIL_ADDRESS",))
    assert PiiGuard().check(Subject("ops@example.com"), rules).decision is Decision.BLOCK


def test_a_question_with_personal_data_is_a_warning():
    judged = QuestionPiiGuard().check(Subject("Who is ann@example.com?"), GuardRules())
    assert (judged.decision, judged.findings) == (Decision.WARN, ("EMAIL_ADDRESS",))
    assert QuestionPiiGuard().check(Subject("Who?"), GuardRules()).decision is Decision.ALLOW
