"""What a bypass lets through waits for a person, also after `kill -9`, until it is looked at or its asker erased."""

import subprocess
import sys

import pytest

from trimtab.app import build
from trimtab.infra.settings import load

PROGRAM = """
import os, sys

from trimtab.answers import Question
from trimtab.answers.drafts import Draft
from trimtab.answers.records import Citation
from trimtab.app import build
from trimtab.infra.settings import load

app = build(load(environment={}, flags={"service.data_dir": sys.argv[1]}))
app.knowledge.ingest_text("p", "ship.txt", "The trimtab turns the rudder by 5 degrees.")


class Liar:
    def stream(self, question, passages):
        found = passages[0]
        quote = Citation(
            1, found.document_id, found.document_name, found.chunk_id, found.text, 0, 42, 1.0
        )
        yield Draft("The trimtab turns the rudder by 700 degrees. [1]", (quote,), "liar", 1.0)


app.answers.models.put("liar", Liar())
app.answers.models.prefer("liar")
app.guardrails.bypass.start(60, "ops")
asked = Question("p", "By how much does the trimtab turn the rudder?", user_id="ann")
if sys.argv[2] == "streamed":
    *_, given = app.answers.stream(asked)
else:
    given = app.answers.answer(asked)
assert "700" in given.text, given
os.kill(os.getpid(), 9)
"""


@pytest.mark.feature("F245")
@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_what_a_bypass_let_through_is_reviewed_after_a_crash_and_erased_with_its_asker(
    tmp_path, way
):
    folder = tmp_path / "data"
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder), way]
    died = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert died.returncode == -9, died.stderr

    app = build(load(environment={}, flags={"service.data_dir": str(folder)}))
    try:
        (waiting,) = app.answers.reviews.waiting(10)
        trace = app.answers.traces.find(waiting.trace_id)
        assert waiting.reason == "bypassed"
        assert "700" in trace.answer.text
        (bypassed,) = [s.facts["bypassed"] for s in trace.stages if "bypassed" in s.facts]
        assert bypassed["facts"] == "block"

        assert app.answers.traces.forget_user("ann") == 1
        assert app.answers.reviews.waiting(10) == []
    finally:
        app.close()
