"""Files that could run code or exhaust memory are refused by their content."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib

import numpy as np
import pytest

from tests.models.factory import saved
from trimtab.models.artifacts.content import check_file, files_below
from trimtab.models.errors import ArtifactRefused, ArtifactTooLarge

MB = 1024 * 1024


def written(folder, name, data):
    file = folder / name
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "name", ["model.pkl", "model.skops", "model.json", "model.npz", "model.onnx"]
)
def test_a_pickle_is_refused_under_any_name(tmp_path, protocol, name):
    data = pickle.dumps({"weights": [1.0, 2.0], "names": ["a"]}, protocol=protocol)
    with pytest.raises(ArtifactRefused, match="pickle"):
        check_file(written(tmp_path, name, data), MB)


@pytest.mark.parametrize("module", [zlib, gzip, bz2, lzma], ids=["zlib", "gzip", "bz2", "lzma"])
def test_a_compressed_joblib_file_is_refused(tmp_path, module):
    data = module.compress(pickle.dumps({"weights": list(range(5000))}))
    with pytest.raises(ArtifactRefused, match="joblib"):
        check_file(written(tmp_path, "model.skops", data), MB)


def test_an_archive_with_a_pickle_in_it_is_refused(tmp_path):
    file = tmp_path / "model.skops"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("weights", pickle.dumps([1]))
    with pytest.raises(ArtifactRefused, match="holds a pickle"):
        check_file(file, MB)


def test_an_array_of_objects_is_refused(tmp_path):
    stream = io.BytesIO()
    np.savez(stream, weights=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ArtifactRefused, match="objects"):
        check_file(written(tmp_path, "model.npz", stream.getvalue()), MB)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    file = tmp_path / "model.skops"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"\0" * (30 * MB))
    with pytest.raises(ArtifactTooLarge, match="31 MB"):
        check_file(file, 10 * MB)
    with pytest.raises(ArtifactTooLarge, match="times its size"):
        check_file(file, 100 * MB)


@pytest.mark.parametrize("member", ["../outside.json", "/etc/outside.json"])
def test_a_member_outside_of_the_folder_is_refused(tmp_path, member):
    file = tmp_path / "model.skops"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr(member, "{}")
    with pytest.raises(ArtifactRefused, match="outside"):
        check_file(file, MB)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.skops", b"no archive"),
        ("empty.skops", b""),
        ("model.json", b"{"),
        ("model.npy", b"no array"),
        ("model.h5", b"\x89HDF"),
        ("model.joblib", b"x"),
    ],
)
def test_what_is_of_no_known_kind_is_refused(tmp_path, name, data):
    with pytest.raises(ArtifactRefused):
        check_file(written(tmp_path, name, data), MB)


def test_a_truncated_model_is_refused(tmp_path):
    file = saved(tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ArtifactRefused, match="intact"):
        check_file(file, MB)


def test_a_real_model_passes(tmp_path):
    assert 0 < check_file(saved(tmp_path), MB) < MB


def test_links_are_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.json").symlink_to("/etc/hostname")
    with pytest.raises(ArtifactRefused, match="link"):
        list(files_below(folder))
