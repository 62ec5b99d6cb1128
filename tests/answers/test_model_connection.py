"""A language model from the first test call to the answers, against a server that follows a script."""

import stat

import pytest

from tests.answers.openai_server import openai_server
from tests.answers.service import QUESTION, Whole
from tests.answers.world import passage
from trimtab.answers import Question, model_api, model_endpoint
from trimtab.answers.errors import BadModelEndpoint, ModelNotConnected
from trimtab.answers.generators import configured_generators
from trimtab.answers.model_endpoint import PROVIDERS, ModelEndpoint, endpoint_of, key_for
from trimtab.answers.signals import signals
from trimtab.infra.settings import load
from trimtab.testing.clock import FakeClock

KEY = "sk-only-for-this-host"
ASK = Question("handbook", QUESTION)
CITED = "It holds 100 entries [1]."


@pytest.fixture
def whole(tmp_path):
    opened = []

    def make(**settings):
        if opened:
            opened.pop().close()  # Only one process may hold the data directory.
        opened.append(Whole(tmp_path / "data", **settings))
        return opened[-1]

    yield make
    opened[-1].close()


def test_a_connected_model_writes_the_answers(whole):
    service = whole().service
    with openai_server(replies=["It has seven doors [1].", CITED]) as server:
        report = service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
        answer = service.answer(ASK)
    assert (report.works, report.key, report.provider) == (True, "valid", "up")
    assert (answer.text, answer.model) == ("It holds 100 entries. [1]", "tiny")
    assert answer.citations[0].quote == "The query cache holds 100 entries by default."
    assert server.keys() == {f"Bearer {KEY}"}
    assert QUESTION in server.received[-1].prompt


def test_what_the_model_makes_up_is_dropped_and_the_refusal_is_kept(whole):
    service = whole().service
    replies = [
        "It has seven doors [1].",
        "Aliens hold it [7]. It holds 100 entries [1].",
        "NOT_FOUND",
    ]
    with openai_server(replies=replies) as server:
        service.model.connect(ModelEndpoint(server.url, "tiny"))
        cited = service.answer(ASK)
        refused = service.answer(Question("handbook", "Who won the football cup?"))
    assert "Aliens" not in cited.text
    assert (refused.found, refused.citations, refused.model) == (False, (), "tiny")


def test_an_uncited_reply_gives_way_to_quotes(whole):
    service = whole().service
    with openai_server(replies=["It has seven doors [1].", "Trust me, it is 12."]) as server:
        service.model.connect(ModelEndpoint(server.url, "tiny"))
        answer = service.answer(ASK)
    assert answer.model == "extractive"
    assert "cites none" in answer.notice


def test_the_connection_lasts_over_a_restart_in_a_private_file(whole, tmp_path):
    with openai_server(replies=["It has seven doors [1].", CITED]) as server:
        first = whole()
        first.service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
        file = tmp_path / "data" / "language-model.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        again = whole().service
        assert again.answer(ASK).model == "tiny"
        again.model.disconnect()
        assert not file.exists()
        assert again.answer(ASK).model == "extractive"


def test_a_damaged_record_is_no_model(whole, tmp_path):
    whole()
    (tmp_path / "data" / "language-model.json").write_text("{")
    assert whole().service.answer(ASK).model == "extractive"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ({"key": "another"}, "refuses the API key"),
        ({"status": 503}, "error of its own"),
        ({"models": ("other",)}, "has no model 'tiny'"),
        ({"replies": ["Seven, trust me."]}, "cites none"),
        ({"replies": ["NOT_FOUND"]}, "did not find"),
    ],
)
def test_a_model_that_fails_its_test_is_not_used(whole, tmp_path, script, problem):
    service = whole().service
    with openai_server(**script) as server, pytest.raises(ModelNotConnected, match=problem):
        service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
    assert service.models.names == ("extractive",)
    assert not (tmp_path / "data" / "language-model.json").exists()


def test_a_server_that_lists_no_models_is_judged_by_its_answer(whole):
    service = whole().service
    with openai_server(models=()) as server:
        assert service.model.connect(ModelEndpoint(server.url, "tiny")).works


def test_nobody_there_is_not_connected(whole):
    with openai_server() as server:
        pass
    with pytest.raises(ModelNotConnected, match="does not answer"):
        whole().service.model.connect(ModelEndpoint(server.url, "tiny"))


def test_neither_key_nor_passages_follow_a_redirect(whole):
    service = whole().service
    with openai_server() as thief, openai_server(replies=["It has seven doors [1]."]) as server:
        service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
        server.script.redirect_to = thief.url
        answer = service.answer(ASK)
        report = service.model.check()
    assert answer.model == "extractive"
    assert "redirects elsewhere" in report.problem
    assert thief.received == []


def test_the_account_of_the_key_is_read_from_openrouter(whole, monkeypatch):
    facts = {"data": {"limit_remaining": 3.5, "usage": 1.5}}
    with openai_server(key=KEY, key_facts=facts) as server:
        monkeypatch.setitem(PROVIDERS, "openrouter", server.url)
        report = whole().service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
        wrong = model_api.inspect(ModelEndpoint(server.url, "tiny", "sk-wrong"))
    assert (report.key, report.credits_usd) == ("valid", 3.5)
    assert (wrong.key, wrong.credits_usd) == ("invalid", None)


def test_a_look_asks_no_question_and_shows_in_the_signals(whole):
    service = whole().service
    with openai_server(key=KEY) as server:
        service.model.connect(ModelEndpoint(server.url, "tiny", KEY))
        asked = len(server.received)
        server.script.key = "another"
        service.model.look()
        assert [request.path for request in server.received[asked:]] == ["/v1/models"]
    shown = shown_by(service)
    assert [sample.value for sample in shown["answers.model.key_valid"]] == [0.0]
    assert [sample.value for sample in shown["answers.model.provider_up"]] == [1.0]
    assert shown["answers.model.credits_usd"] == []
    service.model.look()
    assert [sample.value for sample in shown_by(service)["answers.model.provider_up"]] == [0.0]


def shown_by(service):
    return {
        signal.name: list(signal.read())
        for signal in signals(service, None)
        if signal.name.startswith("answers.model.")
    }


def test_without_a_model_nothing_is_looked_at(whole):
    service = whole().service
    service.model.look()
    assert service.model.report is None


@pytest.mark.parametrize("left", [None, "much", True, float("nan")])
def test_credits_that_are_not_told_are_unknown(left, monkeypatch):
    with openai_server(key_facts={"data": {"limit_remaining": left}}) as server:
        monkeypatch.setitem(PROVIDERS, "openrouter", server.url)
        assert model_api.inspect(ModelEndpoint(server.url, "tiny", KEY)).credits_usd is None


ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-openai",
    "OPENROUTER_API_KEY": "sk-or",
    "COHERE_API_KEY": "sk-cohere",
}


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://api.openai.com/v1", "sk-openai"),
        ("https://openrouter.ai/api/v1", "sk-or"),
        ("https://OpenRouter.ai:443/api/v1", "sk-or"),
        ("https://api.cohere.ai/compatibility/v1", "sk-cohere"),
        ("https://api.cohere.ai.evil.example/compatibility/v1", ""),
        ("http://openrouter.ai/api/v1", ""),
        ("https://openrouter.ai:8443/api/v1", ""),
        ("https://openrouter.ai.evil.example/v1", ""),
        ("https://api.openai.com.evil.example/v1", ""),
        ("http://127.0.0.1:11434/v1", ""),
        ("https://evil.example/https://api.openai.com/v1", ""),
    ],
)
def test_a_providers_key_is_for_its_own_host_only(url, key):
    settings = load(environment=ENVIRONMENT).answers
    assert key_for(url, settings) == key


def test_the_address_of_the_openai_variables_gets_the_openai_key():
    settings = load(
        environment=ENVIRONMENT | {"OPENAI_BASE_URL": "http://proxy.example/v1"}
    ).answers
    assert settings.generator_url == "http://proxy.example/v1"
    assert model_endpoint.first_endpoint(settings).key == "sk-openai"
    assert key_for("http://other.example/v1", settings) == ""


def test_no_key_reaches_a_server_that_the_settings_did_not_name_for_it(whole):
    with openai_server(replies=[CITED]) as server:
        given = {"answers.generator": "openai", "answers.generator_url": server.url}
        environment = ENVIRONMENT | {"OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "project"}
        settings = load(flags=given, environment=environment).answers
        [(_, generator), _] = configured_generators(settings, whole().service.deadlines, None)
        list(generator.stream(QUESTION, (passage(),)))
    assert server.keys() == {"Bearer none"}
    assert "sk-" not in str(server.received)


def test_the_organisation_of_the_environment_is_not_sent(whole, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    with openai_server() as server:
        whole().service.model.connect(ModelEndpoint(server.url, "tiny"))
    assert "secret" not in str(server.received)


@pytest.mark.parametrize(
    ("url", "model", "key"),
    [
        ("ftp://host/v1", "m", ""),
        ("host/v1", "m", ""),
        ("http://", "m", ""),
        ("http://user:pass@host/v1", "m", ""),
        ("http://host:99999/v1", "m", ""),
        ("http://host/v1", "  ", ""),
        ("http://host/v1", "m", "a\nb"),
        ("http://host/v1", "m", "\u00e9"),
    ],
)
def test_an_unusable_endpoint_is_refused(url, model, key):
    with pytest.raises(BadModelEndpoint):
        ModelEndpoint(url, model, key).validate()


def test_a_provider_without_an_address_needs_one():
    settings = load(environment={}).answers
    assert endpoint_of(settings, "ollama", "", "m", "").url == "http://127.0.0.1:11434/v1"
    with pytest.raises(BadModelEndpoint, match="missing"):
        endpoint_of(settings, "other", "", "m", "")


def test_no_key_is_shown():
    assert "sk-" not in repr(ModelEndpoint("http://host/v1", "m", "sk-secret"))


@pytest.fixture
def cohere(monkeypatch):
    with openai_server(
        key=KEY, replies=["It has seven doors [1].", CITED], cohere_models=("tiny",)
    ) as server:
        monkeypatch.setitem(PROVIDERS, "cohere", server.url)
        yield server


@pytest.mark.feature("F441")
def test_the_calls_of_the_month_at_cohere_are_counted_beside_the_limit(whole, cohere):
    service = whole(cohere_calls_per_month=50).service
    report = service.model.connect(ModelEndpoint(cohere.url, "tiny", KEY))
    assert (report.works, report.key, report.calls_used, report.calls_limit) == (
        (True, "valid", 1, 50)
    )
    service.answer(ASK)
    assert service.model.check().calls_used == 3
    shown = shown_by(service)["answers.model.calls_ratio"]
    assert [sample.value for sample in shown] == [3 / 50]


@pytest.mark.feature("F441")
def test_a_look_at_cohere_is_no_call(whole, cohere):
    service = whole().service
    service.model.connect(ModelEndpoint(cohere.url, "tiny", KEY))
    service.answer(ASK)
    asked = len(cohere.received)
    service.model.look()
    assert (len(cohere.received), service.model.report.calls_used) == (asked, 2)
    assert service.model.report.works


@pytest.mark.feature("F441")
def test_calls_are_counted_by_month_and_over_a_restart(whole, cohere):
    clock = FakeClock()
    before = whole(clock=clock)
    before.service.model.connect(ModelEndpoint(cohere.url, "tiny", KEY))
    after = whole(clock=clock)
    assert after.service.model.calls.used(cohere.url) == 1
    clock.advance(31 * 86_400)
    assert after.service.model.calls.used(cohere.url) == 0


def test_calls_of_a_provider_without_a_limit_are_not_counted(whole):
    service = whole().service
    with openai_server() as server:
        report = service.model.connect(ModelEndpoint(server.url, "tiny"))
        service.answer(ASK)
        assert (report.calls_used, report.calls_limit) == (None, None)
        assert service.model.calls.used(server.url) == 0
    assert shown_by(service)["answers.model.calls_ratio"] == []


def test_a_wrong_key_at_cohere_is_told(cohere):
    report = model_api.inspect(ModelEndpoint(cohere.url, "tiny", "sk-wrong"))
    assert (report.key, "refuses the API key" in report.problem) == ("invalid", True)
