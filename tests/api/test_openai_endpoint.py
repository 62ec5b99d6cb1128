"""The official client of OpenAI against a running service: projects are models."""

import httpx
import openai
import pytest

from tests.processes import models, run, start, with_models  # noqa: F401 - a fixture.

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):  # noqa: F811 - the fixture.
    folder = tmp_path_factory.mktemp("openai")
    (folder / "pump.md").write_text("# Pump\n\nThe pump needs 3 litres of oil a year.\n")
    found = start(with_models(folder / "data", models))
    assert run(found.data_dir, "ingest", "manuals", str(folder / "pump.md")).code == 0
    yield found
    found.stop()


@pytest.fixture
def client(service):
    key = (service.data_dir / "admin.key").read_text().strip()
    with openai.OpenAI(base_url=f"{service.url}/openai/v1", api_key=key, max_retries=0) as client:
        yield client


def ask(client, text="How much oil does the pump need?", **more):
    given = {"model": "manuals", "messages": [{"role": "user", "content": text}]}
    return client.chat.completions.create(**given | more)


def test_projects_are_models(client):
    assert "manuals" in [each.id for each in client.models.list()]
    assert client.models.retrieve("manuals").owned_by == "trimtab"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_an_answer_has_its_citations_as_annotations(client, service):
    answer = ask(client)
    choice = answer.choices[0]
    assert "3 litres" in choice.message.content
    assert choice.finish_reason == "stop"
    (cited, *_) = choice.message.annotations
    assert cited.type == "url_citation"
    start_, end = cited.url_citation.start_index, cited.url_citation.end_index
    assert choice.message.content[start_:end] == "[1]"
    assert cited.url_citation.quote == "The pump needs 3 litres of oil a year."
    key = (service.data_dir / "admin.key").read_text().strip()
    page = httpx.get(service.url + cited.url_citation.url, headers={"X-API-Key": key})
    assert (page.status_code, "3 litres of oil" in page.text) == (200, True)


def test_the_last_message_of_the_user_is_the_question(client):
    parts = [{"type": "text", "text": "How much oil does the pump need?"}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": parts},
    ]
    assert "3 litres" in ask(client, messages=messages).choices[0].message.content


def test_a_stream_comes_in_chunks_and_ends(client):
    chunks = list(ask(client, stream=True))
    text = "".join(each.choices[0].delta.content or "" for each in chunks)
    assert "3 litres" in text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].choices[0].delta.annotations
    assert len({each.id for each in chunks}) == 1


def test_a_stream_ends_with_its_usage_when_that_is_wished(client):
    *others, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert (last.choices, last.usage.total_tokens) == ([], 0)
    assert others[-1].choices[0].finish_reason == "stop"


def test_what_the_documents_do_not_hold_is_said_in_a_stream_too(client):
    chunks = list(ask(client, "Who won the world cup of 1954?", stream=True))
    text = "".join(each.choices[0].delta.content or "" for each in chunks)
    assert text == ask(client, "Who won the world cup of 1954?").choices[0].message.content


def test_mistakes_are_errors_of_the_client(client, service):
    with pytest.raises(openai.NotFoundError):
        ask(client, model="nothing")
    with pytest.raises(openai.BadRequestError, match="no message of the user"):
        ask(client, messages=[{"role": "system", "content": "x"}])
    with pytest.raises(openai.BadRequestError):
        ask(client, n=2)
    with (
        openai.OpenAI(base_url=f"{service.url}/openai/v1", api_key="no", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError),
    ):
        ask(other)


def test_a_key_for_some_projects_sees_no_other_model(client, service):
    made = run(service.data_dir, "keys", "create", "red", "--role", "reader", "--project", "red")
    with openai.OpenAI(
        base_url=f"{service.url}/openai/v1", api_key=made.out.split()[-1], max_retries=0
    ) as tenant:
        assert list(tenant.models.list()) == []
        with pytest.raises(openai.PermissionDeniedError):
            ask(tenant)
