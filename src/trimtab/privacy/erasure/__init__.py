"""Erasure of everything about a person, with a signed certificate."""

from trimtab.privacy.erasure.records import Erasure, ErasureState
from trimtab.privacy.erasure.service import Erasures

__all__ = ["Erasure", "ErasureState", "Erasures"]
