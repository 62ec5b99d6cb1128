"""The kinds of personal data that are looked for."""

from dataclasses import dataclass
from enum import StrEnum


class PiiType(StrEnum):
    """A kind of personal data, by the names that Presidio uses."""

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
"""Types with a form of their own, for which no name list or language model is needed."""


NAMES = frozenset({PiiType.PERSON, PiiType.LOCATION})
"""Types that only an optional name detector finds."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """One finding; the text itself is not carried, so that a finding can be logged."""

    type: PiiType
    start: int
    end: int
