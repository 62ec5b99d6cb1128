"""Every file of every model is checked: kind, hash, library version, and files that belong to none."""

import pickle

import pytest

from tests.models.factory import register
from trimtab.models.records import Flavour
from trimtab.models.verification import check_files, check_folder, library_problem


class Encoder:
    """The embedding model on disk."""

    def __init__(self, folder, problem=""):
        self.folder, self._problem = folder, problem
        folder.mkdir(exist_ok=True)
        (folder / "model.bin").write_bytes(b"weights")

    def problem(self):
        return self._problem


@pytest.fixture
def encoder(tmp_path):
    return Encoder(tmp_path / "minilm")


def by_owner(checks):
    return {check.owner: check for check in checks}


@pytest.mark.feature("F205")
def test_intact_files_are_listed_with_kind_hash_and_versions(models, tmp_path, encoder):
    version = register(models, tmp_path)
    found = by_owner(check_files(models, encoder))
    mine = found["churn@1"]
    assert (mine.file, mine.kind, mine.problem) == ("model.skops", "skops", "")
    assert mine.sha256 == version.manifest.files["model.skops"]
    assert mine.library == "scikit-learn"
    assert mine.installed == mine.saved_with != ""
    embedding = found["embedding model"]
    assert (embedding.file, embedding.library) == ("model.bin", "ctranslate2")
    assert embedding.installed


@pytest.mark.feature("F205")
def test_a_changed_and_a_missing_file_are_named_with_the_repair(models, tmp_path, encoder):
    version = register(models, tmp_path)
    file = models.registry.artifacts.path(version.digest) / "model.skops"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = by_owner(check_files(models, encoder))["churn@1"]
    assert changed.problem == "its SHA-256 is not that of the manifest"
    assert "trimtab models verify churn --repair" in changed.fix
    file.unlink()
    assert by_owner(check_files(models, encoder))["churn@1"].problem == "is missing"


@pytest.mark.feature("F294")
@pytest.mark.parametrize("name", ["old.pkl", "model.joblib", "model.json"])
def test_a_pickle_is_named_and_refused_wherever_it_lies(models, tmp_path, encoder, name):
    version = register(models, tmp_path)
    content = pickle.dumps({"model": 1})
    inside = models.registry.artifacts.path(version.digest) / name
    outside = models.registry.artifacts.root / name
    for file in (inside, outside):
        file.write_bytes(content)
    found = [check for check in check_files(models, encoder) if check.file == name]
    assert len(found) == 2
    assert all("refused" in check.problem and "pickle" in check.problem for check in found)
    assert all(check.fix for check in found)


@pytest.mark.feature("F294")
def test_a_file_with_the_name_of_a_pickle_is_refused_by_its_name_too(tmp_path):
    file = tmp_path / "models" / "empty.pkl"
    file.parent.mkdir()
    file.write_bytes(b"")
    (check,) = check_folder(file.parent, 10_000)
    assert "refused" in check.problem
    (tmp_path / "models" / "empty.pkl").rename(tmp_path / "models" / "notes.md")
    (check,) = check_folder(file.parent, 10_000)
    assert check.problem == ""


@pytest.mark.feature("F659")
@pytest.mark.parametrize(
    ("library", "saved_with", "current", "problem"),
    [
        ("onnxruntime", "1.31.0", "1.40.2", ""),
        ("onnxruntime", "1.31.0", "2.0.0", "saved with onnxruntime 1.31.0; 2.0.0 is installed"),
        ("onnxruntime", "1.31.0", "", "onnxruntime is not installed"),
        ("onnxruntime", "", "2.0.0", ""),
        ("scikit-learn", "1.7.1", "1.7.9", ""),
        ("scikit-learn", "1.7.1", "1.8.0", "saved with scikit-learn 1.7.1; 1.8.0 is installed"),
    ],
)
def test_another_runtime_prints_the_reinstall(library, saved_with, current, problem):
    flavour = {"onnxruntime": Flavour.ONNX, "scikit-learn": Flavour.SKOPS}[library]
    requirement = f"{library}=={saved_with}" if saved_with else library
    fix = f"Run: pip install '{requirement}'" if problem else ""
    assert library_problem(flavour, library, saved_with, current) == (problem, fix)


@pytest.mark.feature("F659")
def test_a_damaged_embedding_model_prints_its_reinstall(models, tmp_path):
    broken = Encoder(tmp_path / "minilm", "model.bin is damaged")
    check = by_owner(check_files(models, broken))["embedding model"]
    assert check.problem == "model.bin is damaged"
    assert check.fix == "Run: trimtab act knowledge.embedding.reinstall"
