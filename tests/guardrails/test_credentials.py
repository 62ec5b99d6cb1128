import pytest

from trimtab.guardrails.credentials import SecretsGuard, find_credentials, without_credentials
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision

AWS = "AKIA" + "IOSFODNN7ABCDEFG"
SECRETS = [
    (AWS, "aws_access_key"),
    ("ghp_" + "a1B2" * 9, "github_token"),
    ("xoxb-" + "123456789012-abcdef", "slack_token"),
    ("sk_live_" + "a1b2c3d4e5f6g7h8", "stripe_key"),
    ("AIza" + "Sy0123456789abcdefghijklmnopqrstuvw", "google_api_key"),
    ("sk-proj-" + "a1B2c3D4" * 4, "openai_key"),
    ("glpat-" + "a1B2c3D4e5F6g7H8i9J0", "gitlab_token"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "jwt"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "private_key"),
    ("postgresql://app:s3cr3tpw@db:5432/x", "url_password"),
    ("password = Tr0ub4dor&3x", "assigned_secret"),
    ('api_key: "9f8a7b6c5d4e3f2a"', "assigned_secret"),
]
HARMLESS = [
    "password: changeme",
    "Set the password in the settings.",
    "token = your_token_here",
    "api_key=xxxxxxxxxxxx",
    "postgresql://user:$PASSWORD@db/x",
    "https://example.com:8000/path",
    "the secret: administrators decide",
    "AKIA is a prefix",
]


@pytest.mark.parametrize(("text", "kind"), SECRETS)
def test_a_secret_is_found_and_blocked(text, kind):
    judged = SecretsGuard().check(Subject(f"Use {text} here"), GuardRules())
    assert (judged.decision, judged.findings) == (Decision.BLOCK, (kind,))
    assert text not in str(judged)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_placeholder_or_a_plain_word_is_no_secret(text):
    assert find_credentials(text) == ()


def test_secrets_are_replaced_by_their_kind():
    assert without_credentials(f"key {AWS}.") == "key <AWS_ACCESS_KEY>."
