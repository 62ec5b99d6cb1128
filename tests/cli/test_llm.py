"""`llm` and `knowledge re-embed` on the command line."""

import json

import pytest

from tests.answers.openai_server import openai_server

KEY = "sk-only-for-this-host"


@pytest.mark.feature("F451")
@pytest.mark.feature("F440")
def test_a_model_is_connected_shown_and_forgotten(trimtab, tmp_path):
    key = tmp_path / "key.txt"
    key.write_text(f"{KEY}\n")
    with openai_server(key=KEY) as server:
        named = ("--api", server.url, "--model", "tiny", "--key-file", str(key))
        done = trimtab("llm", "connect", "other", *named)
        assert (done.code, "tiny writes the answers" in done.out) == (0, True), done.err
        shown = trimtab("llm", "status", "--json")
        assert json.loads(shown.out)["generators"] == ["connected", "extractive"]
        assert json.loads(shown.out)["report"]["key"] == "valid"
        server.script.status = 503
        assert trimtab("llm", "status").code == 1
    ended = trimtab("llm", "disconnect", "--yes", "--json")
    assert json.loads(ended.out)["generators"] == ["extractive"]
    assert KEY not in done.out + done.err + shown.out + shown.err


def test_a_model_that_fails_its_test_is_not_connected(trimtab):
    with openai_server(replies=["Seven, trust me."]) as server:
        done = trimtab("llm", "connect", "other", "--api", server.url, "--model", "tiny")
        assert done.code != 0
        tried = trimtab(
            "llm", "connect", "other", "--api", server.url, "--model", "tiny", "--dry-run"
        )
        assert (tried.code, "cites none" in tried.out) == (1, True)
    assert "No model is connected" in trimtab("llm", "status").out


def test_a_key_of_the_environment_is_not_sent_to_another_host(trimtab):
    with openai_server() as server:
        trimtab(
            "llm",
            "connect",
            "other",
            "--api",
            server.url,
            "--model",
            "tiny",
            OPENAI_API_KEY="sk-openai",
            OPENROUTER_API_KEY="sk-or",
        )
        assert server.received
        assert server.keys() <= {"", "Bearer none"}


def test_a_missing_key_file_is_refused(trimtab, tmp_path):
    done = trimtab("llm", "connect", "openai", "--model", "m", "--key-file", str(tmp_path / "no"))
    assert (done.code, "cannot be read" in done.err) == (2, True)


def test_re_embedding_needs_a_project_and_a_known_embedder(trimtab):
    assert trimtab("knowledge", "re-embed", "none", "--embedder", "multilingual").code == 4
    trimtab("projects", "create", "sea")
    assert trimtab("knowledge", "re-embed", "sea", "--embedder", "esperanto").code == 2
    same = trimtab("knowledge", "re-embed", "sea", "--embedder", "standard")
    assert "has the embedder standard already" in same.out
