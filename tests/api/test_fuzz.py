"""No generated request to any route brings it down, or gets an answer that the OpenAPI document does not describe.

A small part with a fixed seed; `python -W ignore -m tests.answers.torture --only fuzz` is the whole.
"""

import pytest

from tests.api.fuzz import Fuzz

CASES = 6


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # Of schemathesis, about values it cannot make.
def test_no_generated_request_is_a_mistake_of_the_program_or_answered_as_no_document_says(app):
    app.start(handbook=False)
    fuzz = Fuzz(app)
    fuzz.run(CASES)
    fuzz.pages(CASES)
    fuzz.faults(CASES)
    assert fuzz.judge.lines() == []
