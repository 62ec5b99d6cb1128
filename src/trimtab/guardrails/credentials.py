"""Detects keys, tokens and passwords, and blocks answers that contain them."""

import math
import re
from collections import Counter
from dataclasses import dataclass

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement


@dataclass(frozen=True, slots=True)
class Credential:
    """Position and kind of a secret; the secret itself is not stored."""

    kind: str
    start: int
    end: int


_FORMS = (  # Kind, substrings of the prefilter, pattern.
    ("private_key", "PRIVATE KEY", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|\Z)"),
    ("aws_access_key", "AKIA|ASIA|AGPA|AIDA|AROA", r"(?<![A-Z0-9])(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("github_token", "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{22,255}\b"),
    ("gitlab_token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}\b"),
    ("slack_token", "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}\b"),
    ("slack_webhook", "hooks.slack.com", r"https://hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+"),
    ("stripe_key", "_live_|_test_", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}\b"),
    ("google_api_key", "AIza", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("openai_key", "sk-", r"\bsk-(?:proj-|or-v1-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{24,}\b"),
    ("npm_or_pypi_token", "npm_|pypi-", r"\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}\b"),
    ("jwt", "eyJ", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("url_password", "://", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:(?!\$|<|\{|%|\*|x{3})([^\s/@]{3,128})@"),
)  # fmt: skip
_COMPILED = tuple((kind, signs.split("|"), re.compile(regex)) for kind, signs, regex in _FORMS)
_ASSIGNED_SIGNS = ("pass", "pwd", "secret", "key", "token")
_ASSIGNED = re.compile(
    r"""\b(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|token|client[_-]?secret)["']?\s*(?:=|:|=>)\s*"""
    r"""["']?([^\s"',;<>{}()$]{8,128})""",
    re.IGNORECASE,
)
_MIN_BITS = 2.6
_PLACEHOLDER = re.compile(
    r"x{4,}|\*{3,}|\.{3,}|example|changeme|placeholder|your[_-]|redacted|dummy", re.IGNORECASE
)


def find_credentials(text: str) -> tuple[Credential, ...]:
    """Return the secrets in order of position, without placeholders (``changeme``)."""
    found = [
        Credential(kind, match.start(), match.end())
        for kind, signs, regex in _COMPILED
        if any(sign in text for sign in signs)
        for match in regex.finditer(text)
    ]
    folded = text.casefold()
    if any(sign in folded for sign in _ASSIGNED_SIGNS):
        found += [
            Credential("assigned_secret", *match.span(1))
            for match in _ASSIGNED.finditer(text)
            if _is_random(match[1])
        ]
    apart: list[Credential] = []
    for secret in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if not apart or secret.start >= apart[-1].end:
            apart.append(secret)
    return tuple(apart)


def without_credentials(text: str) -> str:
    """Return the text with each secret replaced by ``<KIND>``."""
    for secret in reversed(find_credentials(text)):
        text = f"{text[: secret.start]}<{secret.kind.upper()}>{text[secret.end :]}"
    return text


def _is_random(value: str) -> bool:
    """Return whether a value looks random, by its Shannon entropy per character."""
    if _PLACEHOLDER.search(value) or value.isalpha():
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= _MIN_BITS


class SecretsGuard:
    """Blocks text that contains a secret."""

    name = "secrets"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Judge by known formats, and by the entropy of assigned values."""
        kinds = tuple(sorted({secret.kind for secret in find_credentials(subject.text)}))
        if not kinds:
            return Judgement(Decision.ALLOW, 0.0)
        return Judgement(Decision.BLOCK, 1.0, f"holds {', '.join(kinds)}", kinds)
