"""Errors of the privacy domain; their codes keep the prefix that callers know.

BadUserId            answers.bad_user_id           InvalidInput
ErasureUnknown       answers.erasure_unknown       NotFound
ErasureFinished      answers.erasure_finished      Conflict
"""

from trimtab.kernel.errors import Conflict, InvalidInput, NotFound


class BadUserId(InvalidInput):
    """The user id is empty or too long."""

    code = "answers.bad_user_id"
    default_hint = "Give the id under which the user asked, 1 to 200 characters."


class ErasureUnknown(NotFound):
    """No erasure has this id."""

    code = "answers.erasure_unknown"
    default_hint = "The id is in the response to the request and in the audit chain."


class ErasureFinished(Conflict):
    """Only a failed erasure can be retried."""

    code = "answers.erasure_finished"
    default_hint = "Look at its state; request a new erasure when the user has come back."
