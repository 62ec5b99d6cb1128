"""Checks the licences of packages against the policy."""

import re
from collections.abc import Iterator

from trimtab.gates.codes import finding
from trimtab.gates.policy import SupplyChainPolicy
from trimtab.gates.records import Finding
from trimtab.gates.supply_chain.installed import Package


def licence_findings(packages: tuple[Package, ...], rules: SupplyChainPolicy) -> Iterator[Finding]:
    """Yield a finding for each package whose licence is denied or unknown."""
    for package in packages:
        stated = rules.licences_known.get(package.key) or package.licence
        if not stated:
            yield finding(
                "supply_chain.licence_unknown", package.purl, f"{package.name} states no licence"
            )
        elif not allowed(stated, rules.licences_denied):
            yield finding(
                "supply_chain.licence_denied", package.purl, f"{package.name} is under {stated}"
            )


def allowed(expression: str, denied: tuple[str, ...]) -> bool:
    """Return whether a licence expression has an allowed alternative.

    ``OR`` separates alternatives, ``AND`` requires all parts; brackets are ignored, and ``AND``
    binds stronger than ``OR``.
    """
    choices = re.split(
        r"(?<!\s)\s++OR\s++", expression.replace("(", " ").replace(")", " "), flags=re.IGNORECASE
    )
    return any(not _denied(choice, denied) for choice in choices)


def _denied(choice: str, denied: tuple[str, ...]) -> bool:
    parts = re.split(r"(?<!\s)\s++AND\s++", choice, flags=re.IGNORECASE)
    words = [word.strip() for part in parts for word in (part, *re.findall(r"[\w.+-]+", part))]
    return any(word.upper().startswith(start.upper()) for word in words for start in denied)
