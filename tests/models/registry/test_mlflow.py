"""Models come from MLflow folders and go back into them."""

import io
import json
import zipfile

import pytest
import yaml

from tests.models.factory import FEATURES, register, sample_rows, saved, trained
from trimtab.models.errors import ArtifactRefused, BadManifest
from trimtab.models.mlflow_folder import read_mlflow
from trimtab.models.registration import ModelUpload

FOLDER = {
    "artifact_path": "model",
    "flavors": {
        "python_function": {"loader_module": "mlflow.sklearn"},
        "sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"},
    },
    "signature": {
        "inputs": json.dumps([{"type": "double", "name": n, "required": True} for n in FEATURES])
    },
    "saved_input_example_info": {
        "artifact_path": "input_example.json",
        "type": "dataframe",
        "pandas_orient": "split",
    },
}


def folder_of(path, **changes):
    path.mkdir()
    saved(path)
    rows = sample_rows(20)
    example = {"columns": list(FEATURES), "data": [[r[n] for n in FEATURES] for r in rows]}
    (path / "input_example.json").write_text(json.dumps(example))
    (path / "MLmodel").write_text(yaml.safe_dump({**FOLDER, **changes}))
    return path


def packed(folder):
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    found.seek(0)
    return found


def test_a_folder_of_mlflow_is_registered_and_serves(models, tmp_path):
    content = packed(folder_of(tmp_path / "model"))
    version = models.registration.register(ModelUpload("churn", "model.zip", content), "anna")
    assert list(version.manifest.files) == ["model.skops"]
    assert version.manifest.schema.names == FEATURES
    models.registry.promote("churn", 1, "anna", "")
    assert models.serving.predict_now("churn", sample_rows(1), "r").served_by == "churn@1"


@pytest.mark.parametrize(
    ("flavours", "error"),
    [
        ({"sklearn": {"pickled_model": "model.skops"}}, ArtifactRefused),
        ({"pytorch": {}}, ArtifactRefused),
        ({"sklearn": {"pickled_model": "../x", "serialization_format": "skops"}}, BadManifest),
        (None, BadManifest),
    ],
    ids=["pickle", "other", "outside", "none"],
)
def test_what_cannot_be_served_is_refused(tmp_path, flavours, error):
    with pytest.raises(error):
        read_mlflow(folder_of(tmp_path / "model", flavors=flavours))


def test_an_exported_version_comes_back_as_the_same_model(models, tmp_path):
    version = register(models, tmp_path)
    for mlflow in (False, True):
        content = io.BytesIO(models.export("churn", "1", mlflow=mlflow))
        name = f"copy-{int(mlflow)}"
        again = models.registration.register(ModelUpload(name, "model.zip", content), "anna")
        assert dict(again.manifest.files) == dict(version.manifest.files)
        assert again.manifest.schema == version.manifest.schema
    assert trained().classes_.tolist() == list(version.manifest.classes)


def test_endless_nesting_is_refused_and_ends_no_process(tmp_path):
    folder = folder_of(tmp_path / "model")
    (folder / "MLmodel").write_text("flavors: " + "[" * 200_000)
    with pytest.raises(BadManifest, match="is not an MLflow model folder"):
        read_mlflow(folder)
