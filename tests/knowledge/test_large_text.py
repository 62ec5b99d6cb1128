"""A text at the limits of size stays under a stated limit of memory, from the file to the database."""

import json
import subprocess
import sys

import pytest

LIMIT_MB = 450
"""What a text of 50 MB may need in addition: its characters, its passages, their copies in the index of words."""
CHILD = """
import json, resource, sys
from pathlib import Path
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.chunking import chunk_document
from trimtab.knowledge.parsing import Parser
from trimtab.knowledge.parsing.content import Content

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

parser = Parser(KnowledgeSettings(), Path(sys.argv[1]))
parser.parse("small.txt", b"small")
before = peak()
with open(sys.argv[2], "rb") as stream:
    try:
        parsed = parser.parse("large.txt", Content(stream))
        passages = len(chunk_document("doc", parsed, 800))
    except Exception as error:
        passages = type(error).__name__
print(json.dumps([passages, peak() - before]))
"""


def ingested(tmp_path, line, megabytes):
    """Return the passages of a file of that line over and over, and the memory that reading it took, in MB."""
    file = tmp_path / "large.txt"
    block = (line + "\n\n") * 1000
    data = block.encode()
    with file.open("wb") as stream:
        for _ in range((megabytes << 20) // len(data)):
            stream.write(data)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "parser"), str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.feature("F581", "F582")
def test_fifty_megabytes_of_text_stay_under_the_stated_memory(tmp_path):
    passages, taken = ingested(
        tmp_path, "\u4f1a\u8b70\u306f\u4e09\u968e\u3067\u3059\u3002" * 10, 49
    )
    assert passages > 10_000
    assert taken < LIMIT_MB


@pytest.mark.feature("F581")
def test_a_text_that_is_too_long_is_refused_without_holding_all_of_it(tmp_path):
    passages, taken = ingested(tmp_path, "The whales sing through the whole ocean. " * 5, 49)
    assert passages == "DocumentTooLarge"
    assert taken < 100
