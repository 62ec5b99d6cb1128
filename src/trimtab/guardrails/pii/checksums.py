"""Checksums of card, account and identity numbers."""

import ipaddress
import re


def luhn(digits: str) -> bool:
    """Return whether the digits pass the Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(code: str) -> bool:
    """Return whether an account code passes the check of ISO 13616.

    The code, without spaces, must have the remainder 1 modulo 97.
    """
    moved = (code[4:] + code[:4]).upper()
    if not re.fullmatch(r"[0-9A-Z]{15,34}", moved):
        return False
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def spanish_id(code: str) -> bool:
    """Return whether a Spanish DNI or NIE has the correct letter."""
    number = code[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == code[-1].upper()


def brazilian_cpf(code: str) -> bool:
    """Return whether both check digits of a Brazilian CPF are correct."""
    digits = [int(char) for char in code if char.isdigit()]
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(
            digit * weight
            for digit, weight in zip(digits[:length], range(length + 1, 1, -1), strict=True)
        )
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


def ip_address(text: str) -> bool:
    """Return whether the text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
