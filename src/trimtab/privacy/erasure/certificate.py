"""The signed statement that a person's data is gone."""

import hashlib
import hmac
from collections.abc import Mapping

from trimtab.infra.signing import Envelope, Signer, open_envelope
from trimtab.privacy.erasure.records import Erasure

PAYLOAD_TYPE = "application/vnd.trimtab.erasure+json"
LOG_STEP = "logs.queries"
"""The step that takes queries out of the log files."""


BACKUPS = (
    "Backups in the data directory were rewritten without the data; set-aside files and index "
    "snapshots were removed. "
    "Copies that were taken elsewhere before hold it as long as they exist; a restore of one "
    "erases it again before "
    "anybody is served."
)
LOGS = (
    "The texts of queries (knowledge.log_queries) of all users were removed from every log file in "
    "the data directory. What went to standard error, or was copied elsewhere before, is kept by "
    "those who collect it."
)
DATABASE_SERVER = (
    "The rows were deleted from the tables on PostgreSQL, and VACUUM removes their former "
    "versions. The server's write-ahead log and its archive, its standbys and the backups that its "
    "operator takes hold them for as long as the operator keeps those."
)


def certificate(
    erasure: Erasure,
    user_id: str,
    completed_at: str,
    signer: Signer,
    backups_gone_by: str | None,
    *,
    on_server: bool = False,
) -> Envelope:
    """Return the signed certificate of an erasure.

    It names the person by a hash of the user id with a random nonce. Only who holds the nonce,
    which is returned to the requester of the erasure, can show that it is about that person; the
    service itself keeps neither. With ``on_server`` it says what a database server may still keep.
    """
    statement: dict[str, object] = {
        "erasure_id": erasure.id,
        "subject": erasure.subject,
        "subject_sha256": _commitment(erasure.nonce, user_id),
        "requested_at": erasure.requested_at,
        "completed_at": completed_at,
        "steps": [
            {"name": step.name, "found": step.found, "remaining": step.remaining}
            for step in erasure.steps
        ],
        "logs": {"policy": LOGS} if any(s.name == LOG_STEP for s in erasure.steps) else None,
        "backups": None
        if backups_gone_by is None
        else {"policy": BACKUPS, "gone_by": backups_gone_by},
    }
    if on_server:
        statement["database"] = {"policy": DATABASE_SERVER}
    return signer.sign(PAYLOAD_TYPE, statement)


def verify_certificate(
    envelope: Mapping[str, object], public_pem: str, *, nonce: str = "", user_id: str = ""
) -> dict[str, object]:
    """Return the verified statement of a certificate.

    Raises:
        Corrupt: The certificate was changed, or another key signed it.
    """
    statement = open_envelope(envelope, public_pem, PAYLOAD_TYPE)
    if nonce and user_id:
        stated = str(statement.get("subject_sha256"))
        statement["about_this_user"] = hmac.compare_digest(stated, _commitment(nonce, user_id))
    return statement


def _commitment(nonce: str, user_id: str) -> str:
    return hmac.new(nonce.encode(), user_id.encode(), hashlib.sha256).hexdigest()
