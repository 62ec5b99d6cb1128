"""The ConfigMaps of the runbooks change cache and fallbacks while the service runs."""

import pytest

from tests.models.factory import models_in
from trimtab.infra.changes import ChangeLog
from trimtab.models.config_files import ConfigFiles
from trimtab.testing.clock import FakeClock

GIGABYTE = 1024**3
PATCH = 'data:\n  ttl: "3600"\n  max_size: "1GB"\n'


@pytest.fixture
def world(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    with models_in(tmp_path / "data", cache_ttl_seconds=60, cache_max_mb=1) as models:
        changes = ChangeLog(FakeClock())
        yield folder, models.serving, changes, ConfigFiles(folder, models.serving, changes)


def cache(serving):
    return serving.cache.ttl_seconds, serving.cache.max_bytes


@pytest.mark.feature("F185")
def test_the_patch_of_the_runbook_applies_without_a_restart(world):
    folder, serving, changes, config = world
    assert (config.look(), cache(serving)) == (True, (60, 1024**2))
    (folder / "cache-config.yaml").write_text(PATCH, encoding="utf-8")
    assert config.look()
    assert cache(serving) == (3600, GIGABYTE)
    assert serving.cache.enabled
    assert not config.look()
    newest = changes.newest()
    assert (newest.action, dict(newest.undo_arguments)) == (
        "models.cache.resize",
        {"ttl_seconds": 60, "max_mb": 1},
    )


@pytest.mark.feature("F202")
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_fallbacks_are_turned_on_and_off(world, enabled):
    folder, serving, changes, config = world
    serving.fallback_enabled = enabled == "false"
    mounted = folder / "model-config"
    mounted.mkdir()
    (mounted / "fallback_enabled").write_text(enabled, encoding="utf-8")
    assert config.look()
    assert serving.fallback_enabled is (enabled == "true")
    assert changes.newest().action == "models.fallback"


def test_only_the_keys_that_are_there_change(world):
    folder, serving, _, config = world
    (folder / "cache-config").mkdir()
    (folder / "cache-config" / "ttl").write_text("7\n", encoding="utf-8")
    config.look()
    assert cache(serving) == (7, 1024**2)


@pytest.mark.parametrize(
    ("text", "size"), [("1GB", GIGABYTE), ("512M", 512 * 1024**2), ("64Mi", 64 * 1024**2), ("9", 9)]
)
def test_sizes_are_read_as_people_write_them(world, text, size):
    folder, serving, _, config = world
    (folder / "cache-config.yaml").write_text(f"max_size: {text}\n", encoding="utf-8")
    config.look()
    assert serving.cache.max_bytes == size


@pytest.mark.parametrize(
    "text", ['ttl: "soon"', "ttl: -1", "max_size: 1 elephant", "[1]", "a: [", "ttl: 1e99"]
)
def test_a_wrong_value_changes_nothing_and_is_logged(world, caplog, text):
    folder, serving, changes, config = world
    (folder / "model-config.yaml").write_text("fallback_enabled: 'false'", encoding="utf-8")
    (folder / "cache-config.yaml").write_text(text, encoding="utf-8")
    assert not config.look()
    assert (cache(serving), serving.fallback_enabled) == ((60, 1024**2), True)
    assert [record.message for record in caplog.records].count("model_config_refused") == 1
    assert not config.look()
    assert changes.newest() is None
