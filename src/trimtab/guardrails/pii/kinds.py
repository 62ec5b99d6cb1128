"""Kinds of personal data, and the record of a finding."""

from dataclasses import dataclass
from enum import StrEnum


class PiiType(StrEnum):
    """Kind of personal data, with the names of Presidio."""

    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    DOMAIN_NAME = "DOMAIN_NAME"
    IBAN_CODE = "IBAN_CODE"
    CREDIT_CARD = "CREDIT_CARD"
    US_SSN = "US_SSN"
    IP_ADDRESS = "IP_ADDRESS"
    PHONE_NUMBER = "PHONE_NUMBER"
    US_DRIVER_LICENSE = "US_DRIVER_LICENSE"
    PASSPORT = "PASSPORT"
    NATIONAL_ID = "NATIONAL_ID"
    MAC_ADDRESS = "MAC_ADDRESS"
    CRYPTO_WALLET = "CRYPTO_WALLET"
    BIRTH_DATE = "BIRTH_DATE"
    ZIP_CODE = "ZIP_CODE"
    PERSON = "PERSON"
    LOCATION = "LOCATION"


STRUCTURED = frozenset(
    {
        PiiType.EMAIL_ADDRESS,
        PiiType.DOMAIN_NAME,
        PiiType.IBAN_CODE,
        PiiType.CREDIT_CARD,
        PiiType.US_SSN,
        PiiType.IP_ADDRESS,
        PiiType.PHONE_NUMBER,
    }
)
"""Types with a recognisable format: they need no name list or language model."""


NAMES = frozenset({PiiType.PERSON, PiiType.LOCATION})
"""Types that only an optional name detector finds."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Position and type of a finding, without its text: safe to log."""

    type: str
    """A `PiiType`, or the name of an operator's pattern."""
    start: int
    end: int
