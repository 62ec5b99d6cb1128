"""Artifacts in a real S3 API server: stored when registered, and fetched again when damaged."""

import pytest
from moto.server import ThreadedMotoServer

from tests.models.factory import models_in, register, sample_rows
from trimtab.models.artifacts.remote import RemoteUnavailable, S3Artifacts
from trimtab.models.errors import ArtifactCorrupt


@pytest.fixture(scope="module")
def server():
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    found.start()
    yield f"http://127.0.0.1:{found.get_host_and_port()[1]}"
    found.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = S3Artifacts.of("s3://model-artifacts", server).client
    client.create_bucket(Bucket="model-artifacts")
    yield client
    for entry in client.list_objects_v2(Bucket="model-artifacts").get("Contents", ()):
        client.delete_object(Bucket="model-artifacts", Key=entry["Key"])
    client.delete_bucket(Bucket="model-artifacts")


@pytest.fixture
def stored(bucket, server, tmp_path):
    with models_in(
        tmp_path / "data", artifacts_url="s3://model-artifacts", artifacts_endpoint=server
    ) as models:
        register(models, tmp_path)
        models.registry.promote("churn", 1, "anna", "first")
        yield models


def damage(models):
    version = models.registry.resolve("churn")
    (models.registry.artifacts.path(version.digest) / "model.skops").write_bytes(b"broken")


def keys(bucket):
    found = bucket.list_objects_v2(Bucket="model-artifacts").get("Contents", ())
    return [entry["Key"] for entry in found]


def test_a_registered_version_is_stored_by_name_and_number(stored, bucket):
    assert keys(bucket) == ["churn/1/model.skops"]


@pytest.mark.feature("F206")
def test_a_damaged_artifact_is_fetched_again_and_serves(stored):
    stored.serving.ready("churn")
    damage(stored)
    assert stored.serving.verify("churn")
    assert stored.repair("churn") == ["churn@1"]
    answer = stored.serving.predict_now("churn", sample_rows(1), "r1")
    assert (answer.served_by, answer.outcome) == ("churn@1", "ok")


def test_an_intact_artifact_is_not_fetched(stored, bucket):
    bucket.delete_object(Bucket="model-artifacts", Key="churn/1/model.skops")
    assert stored.repair("churn") == []


def test_what_was_changed_in_the_bucket_is_not_accepted(stored, bucket):
    bucket.put_object(Bucket="model-artifacts", Key="churn/1/model.skops", Body=b"other")
    damage(stored)
    with pytest.raises(ArtifactCorrupt, match="not the file"):
        stored.repair("churn")


def test_a_version_that_is_missing_there_is_uploaded_later(stored, bucket):
    bucket.delete_object(Bucket="model-artifacts", Key="churn/1/model.skops")
    assert stored.registry.upload_missing() == 1
    assert stored.registry.upload_missing() == 0
    assert keys(bucket) == ["churn/1/model.skops"]


def test_without_the_bucket_a_version_is_registered_all_the_same(server, bucket, tmp_path):
    with models_in(
        tmp_path / "data", artifacts_url="s3://no-such-bucket", artifacts_endpoint=server
    ) as models:
        assert register(models, tmp_path).version == 1
        models.registry.promote("churn", 1, "anna", "first")
        damage(models)
        with pytest.raises(RemoteUnavailable, match="fetched"):
            models.repair("churn")


def test_without_a_bucket_the_second_copy_on_this_disk_is_used(models, tmp_path):
    register(models, tmp_path)
    models.registry.promote("churn", 1, "anna", "first")
    damage(models)
    assert models.repair("churn") == ["churn@1"]


def test_without_any_copy_the_next_step_is_said(models, tmp_path):
    register(models, tmp_path)
    models.registry.promote("churn", 1, "anna", "first")
    damage(models)
    (models.context.env.directory.path / "model-copies" / "churn" / "1" / "model.skops").unlink()
    with pytest.raises(RemoteUnavailable) as caught:
        models.repair("churn")
    assert "models.artifacts_url" in caught.value.hint()
