import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.infra.settings import Settings, load, rows
from trimtab.kernel.errors import Misconfigured


def _load(tmp_path, text="", environment=None, flags=None):
    file = tmp_path / "trimtab.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, flags, environment or {})


def test_flags_win_over_environment_over_file_over_defaults(tmp_path):
    text = '[service]\nport = 1\nlog_level = "DEBUG"\nhost = "::1"\n'
    environment = {"TRIMTAB_SERVICE_PORT": "2", "LOG_LEVEL": "ERROR"}
    settings = _load(tmp_path, text, environment, {"service.port": "3"})
    assert (settings.service.port, settings.service.log_level, settings.service.host) == (
        3,
        "ERROR",
        "::1",
    )


def test_the_own_variable_wins_over_the_name_from_the_contract(tmp_path):
    environment = {"LOG_LEVEL": "ERROR", "TRIMTAB_SERVICE_LOG_LEVEL": "DEBUG"}
    assert _load(tmp_path, environment=environment).service.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("text", "part", "hint"),
    [
        ("[service]\nprot = 1", "no setting 'service.prot'", "service.port"),
        ("[service]\nport = 70000", "out of range", "65535"),
        ("[service]\nport = 1.5", "not of type int", "service.port"),
        ("[service]\nport = true", "not of type int", "service.port"),
        ('[service]\ndrills = "perhaps"', "not of type bool", "service.drills"),
        ('[service]\nlog_level = "loud"', "not allowed", "WARNING"),
        ("port = 1", "outside a section", "[section]"),
        ("[service", "not valid TOML", "Correct that line"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_next_step(tmp_path, text, part, hint):
    with pytest.raises(Misconfigured) as caught:
        _load(tmp_path, text)
    assert part in caught.value.message
    assert "trimtab.toml" in caught.value.message
    assert hint in caught.value.hint()


def test_a_yaml_file_says_the_same(tmp_path):
    file = tmp_path / "pipeline_config.yaml"
    file.write_text("service:\n  port: 9\n  log_profile: lower\nanswers:\nguardrails: {}\n")
    assert load(file, environment={}).service.port == 9
    assert load(file, environment={}).service.log_profile == "lower"
    file.write_text("")
    assert load(file, environment={}) == Settings()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- port", "holds no map of sections"),
        ("service: [", "not valid YAML"),
        ("service: {port: 2001-13-45}", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("port: 1", "outside a section"),
        ("service: {prot: 1}", "no setting 'service.prot'"),
        ("service: {host: }", "not of type str"),
        ("service: {port: yes}", "not of type int"),
    ],
)
def test_a_wrong_yaml_file_is_refused(tmp_path, text, part):
    file = tmp_path / "pipeline_config.yaml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as caught:
        load(file, environment={})
    assert part in caught.value.message
    assert "pipeline_config.yaml" in caught.value.message
    assert caught.value.hint()


def test_a_missing_file_is_refused_only_when_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(environment={}) == Settings()
    with pytest.raises(Misconfigured, match="cannot be read"):
        load(tmp_path / "none.toml", environment={})


def test_every_setting_has_a_help_sentence():
    assert [row.name for row in rows(Settings) if not row.help.endswith(".")] == []


@given(st.text(alphabet=string.printable, max_size=60))
def test_any_text_as_settings_file_is_read_or_refused(tmp_path_factory, text):
    refusal = None
    try:
        settings = _load(tmp_path_factory.mktemp("s"), text)
    except Misconfigured as error:
        refusal = error
    assert refusal.hint() if refusal else isinstance(settings, Settings)
