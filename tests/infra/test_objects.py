"""Objects that are written once: one contract for a folder and for a bucket of a real S3 API."""

import boto3
import pytest

from trimtab.infra.objects import (
    BucketObjects,
    FolderObjects,
    ObjectDiffers,
    ObjectsUnavailable,
    copy_new_files,
    open_objects,
)
from trimtab.kernel.errors import Misconfigured


@pytest.fixture(params=["folder", "bucket"])
def objects(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return open_objects(str(tmp_path / "copies"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_endpoint = request.getfixturevalue("s3_endpoint")
    name = f"bucket-{abs(hash(tmp_path))}"
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=name)
    return open_objects(f"s3://{name}/audit", s3_endpoint)


def test_an_object_is_there_under_its_name(objects):
    assert objects.names() == frozenset()
    objects.put("event-1.json", b"one")
    assert objects.names() == {"event-1.json"}


def test_the_same_object_again_changes_nothing(objects):
    objects.put("event-1.json", b"one")
    objects.put("event-1.json", b"one")
    assert objects.names() == {"event-1.json"}


def test_other_content_never_replaces_an_object(objects):
    objects.put("event-1.json", b"one")
    with pytest.raises(ObjectDiffers, match=r"event-1\.json"):
        objects.put("event-1.json", b"another")
    objects.put("event-1.json", b"one")


def test_only_new_files_of_a_folder_are_copied(objects, tmp_path):
    folder = tmp_path / "local"
    assert copy_new_files(folder, objects) == 0
    folder.mkdir()
    for number in (1, 2):
        (folder / f"event-{number}.json").write_bytes(b"x")
    (folder / ".part").write_bytes(b"unfinished")
    assert copy_new_files(folder, objects) == 2
    (folder / "event-3.json").write_bytes(b"x")
    assert copy_new_files(folder, objects) == 1
    assert objects.names() == {"event-1.json", "event-2.json", "event-3.json"}


def test_a_bucket_that_is_not_there_is_unavailable(s3_endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    missing = open_objects("s3://nowhere", s3_endpoint)
    assert isinstance(missing, BucketObjects)
    with pytest.raises(ObjectsUnavailable, match="NoSuchBucket"):
        missing.put("a", b"b")


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ObjectsUnavailable):
        FolderObjects(tmp_path / "file" / "below").put("a", b"b")


def test_an_address_without_a_bucket_is_refused():
    with pytest.raises(Misconfigured, match="not valid"):
        open_objects("s3://")


def test_a_file_is_written_over_a_former_one_read_back_and_deleted(objects, tmp_path):
    file = tmp_path / "dump"
    for body in (b"one", b"another"):
        file.write_bytes(body)
        objects.put_file("latest", file)
    objects.get_file("latest", tmp_path / "read")
    assert (tmp_path / "read").read_bytes() == b"another"
    objects.delete("latest")
    objects.delete("latest")
    assert objects.names() == frozenset()
    with pytest.raises(ObjectsUnavailable):
        objects.get_file("latest", tmp_path / "read")
