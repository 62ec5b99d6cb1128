"""A version is registered whole or not at all, and proven before it serves."""

import gc
import json
import zipfile

import numpy as np
import pytest
import sqlalchemy as sa
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from tests.models.factory import described, matrix, models_in, register, sample_rows, saved, trained
from trimtab.models.errors import (
    AliasRefused,
    ArtifactCorrupt,
    ArtifactRefused,
    BadManifest,
    GoldenMismatch,
    LibraryMismatch,
    ModelUnknown,
    UntrustedTypes,
    VersionUnknown,
)
from trimtab.models.packing import Description, describe
from trimtab.models.predictors.skops_file import installed, read_estimator
from trimtab.models.records import GoldenBatch, Manifest


@pytest.fixture
def models(tmp_path, databases):
    """Return a models domain on each engine."""
    with models_in(tmp_path / "data", databases=databases) as found:
        yield found


def aliases(models):
    return dict(models.registry.aliases("churn"))


def test_versions_are_numbered_and_keep_what_describes_them(models, tmp_path):
    first = register(models, tmp_path, metrics={"f1": 0.9}, data_sha256="ab" * 32)
    second = register(models, tmp_path, shift=0.3, parent=1)
    assert [v.version for v in models.registry.versions("churn")] == [1, 2]
    assert models.registry.resolve("churn", "1") == first
    assert (second.manifest.parent, first.manifest.metrics) == (1, {"f1": 0.9})
    assert set(first.manifest.libraries) >= {"scikit-learn", "skops", "numpy"}


def test_the_same_bytes_and_manifest_are_the_same_version(models, tmp_path):
    assert register(models, tmp_path) == register(models, tmp_path)


def test_a_manifest_survives_json_unchanged(models, tmp_path):
    manifest = register(models, tmp_path, card="# Card").manifest
    again = Manifest.from_json(json.loads(manifest.canonical))
    assert again == manifest
    assert again.digest == manifest.digest


def test_a_version_loads_again_after_a_restart(tmp_path):
    with models_in(tmp_path / "data") as models:
        version = register(models, tmp_path)
        models.registry.promote("churn", 1, "anna", "first")
    with models_in(tmp_path / "data") as models:
        assert models.registry.load("churn").version == version


def test_an_artifact_changed_by_one_byte_is_not_loaded(models, tmp_path):
    version = register(models, tmp_path)
    file = models.registry.artifacts.path(version.digest) / "model.skops"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ArtifactCorrupt, match=r"model\.skops"):
        models.registry.load("churn", "1")


def test_a_file_beside_the_artifact_is_not_accepted(models, tmp_path):
    version = register(models, tmp_path)
    (models.registry.artifacts.path(version.digest) / "extra.json").write_text("{}")
    with pytest.raises(ArtifactCorrupt, match=r"extra\.json"):
        models.registry.load("churn", "1")


@pytest.mark.parametrize("field", ["metrics", "positive", "tolerance"])
def test_a_manifest_changed_in_the_database_is_not_loaded(tmp_path, field):
    with models_in(tmp_path / "data") as models:
        register(models, tmp_path, metrics={"f1": 0.5})
        with models.context.database.write() as connection:
            old = connection.exec_driver_sql("SELECT manifest FROM model_versions").scalar()
            body = json.loads(old)
            changed = {"metrics": {"f1": 0.99}, "positive": "no"}
            if field == "tolerance":
                body["golden"]["tolerance"] = 0.05
            else:
                body[field] = changed[field]
            connection.exec_driver_sql(
                "UPDATE model_versions SET manifest = ?", (json.dumps(body),)
            )
        with pytest.raises(ArtifactCorrupt, match="signed"):
            models.registry.load("churn", "1")


def test_a_golden_batch_that_is_not_reproduced_registers_nothing(models, tmp_path):
    estimator = trained()
    right = described(estimator)
    wrong = [dict(output, value=output["value"] + 1e-3) for output in right.golden.outputs]
    manifest = right.changed(golden=GoldenBatch(right.golden.rows, tuple(wrong)))
    with pytest.raises(GoldenMismatch, match="row 0"):
        models.registry.register(saved(tmp_path, estimator), manifest, "anna")
    assert models.registry.names() == []
    assert list(models.registry.artifacts.root.iterdir()) == []


def test_a_difference_within_the_tolerance_is_accepted(models, tmp_path):
    estimator = trained()
    right = described(estimator)
    near = [dict(output, value=output["value"] + 1e-7) for output in right.golden.outputs]
    manifest = right.changed(golden=GoldenBatch(right.golden.rows, tuple(near)))
    assert models.registry.register(saved(tmp_path, estimator), manifest, "anna").version == 1


def test_an_estimator_saved_with_another_library_version_is_refused(models, tmp_path):
    estimator = trained()
    manifest = described(estimator)
    file = saved(tmp_path, estimator)
    older = tmp_path / "old.skops"
    _with_library_version(file, older, "1.2.0")
    with pytest.raises(LibraryMismatch, match=r"1\.2\.0"):
        models.registry.register(older, manifest, "anna")
    accepted = manifest.changed(libraries={**manifest.libraries, "scikit-learn": "1.2.0"})
    with pytest.raises(LibraryMismatch, match=r"1\.2\.0"):
        models.registry.register(older, accepted, "anna")
    found = models.registry.register(older, accepted, "anna", accept_libraries=True)
    assert models.registry.load("churn", "1").version == found


def _with_library_version(file, target, version):
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == "schema.json":
                data = data.replace(
                    f'\\"{installed("scikit-learn")}\\"'.encode(), f'\\"{version}\\"'.encode()
                )
            new.writestr(member, data)


def test_a_wrong_class_or_column_count_is_refused(models, tmp_path):
    estimator = trained()
    manifest = described(estimator)
    with pytest.raises(BadManifest, match="classes"):
        models.registry.register(
            saved(tmp_path, estimator), manifest.changed(classes=("a", "b"), positive="a"), "anna"
        )


@pytest.mark.feature("F198")
def test_the_memory_that_a_version_takes_is_measured_when_it_is_loaded(models, tmp_path):
    estimator = trained()
    # 40 MB. glibc takes blocks of over 32 MiB from the system, and gives them back, whatever ran
    # before; smaller ones may lie in memory that the process has already.
    estimator.padding = np.ones(5_000_000)
    file = saved(tmp_path, estimator)
    models.registry.register(file, described(estimator), "anna")
    gc.collect()  # What earlier tests left would otherwise be freed during the load.
    loaded = models.registry.load("churn", "1")
    assert loaded.memory_bytes > 16_000_000


@pytest.mark.feature("F212")
def test_promotion_keeps_the_former_version_and_rollback_returns_to_it(models, tmp_path):
    for shift in (0.0, 0.2, 0.4):
        register(models, tmp_path, shift=shift)
    for version in (1, 2, 3):
        models.registry.promote("churn", version, "anna", "better")
    assert aliases(models) == {"production": 3, "previous": 2}
    models.registry.rollback("churn", "otto", "worse")
    assert aliases(models) == {"production": 2, "previous": 1}
    models.registry.rollback("churn", "otto", "worse")
    assert aliases(models) == {"production": 1}
    with pytest.raises(AliasRefused):
        models.registry.rollback("churn", "otto", "worse")


def test_promoting_the_candidate_removes_that_alias(models, tmp_path):
    register(models, tmp_path)
    models.registry.move_alias("churn", "candidate", 1, "anna", "try it")
    models.registry.promote("churn", 1, "anna", "good")
    assert aliases(models) == {"production": 1}


def test_the_log_tells_who_moved_what_and_why(models, tmp_path):
    register(models, tmp_path)
    register(models, tmp_path, shift=0.3)
    models.registry.promote("churn", 1, "anna", "first")
    models.registry.promote("churn", 2, "otto", "better")
    newest, oldest = models.registry.alias_log("churn")[0], models.registry.alias_log("churn")[-1]
    assert (oldest.alias, oldest.version, oldest.previous, oldest.actor) == (
        "production",
        1,
        None,
        "anna",
    )
    assert (newest.actor, newest.reason) == ("otto", "better")


@pytest.mark.parametrize(
    "sql", ["UPDATE model_alias_log SET actor = 'x'", "DELETE FROM model_alias_log"]
)
def test_no_entry_of_the_log_can_be_changed(models, tmp_path, sql):
    register(models, tmp_path)
    models.registry.promote("churn", 1, "anna", "first")
    with (
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
        models.context.database.write() as connection,
    ):
        connection.exec_driver_sql(sql)


def test_the_same_key_promotes_once(models, tmp_path):
    register(models, tmp_path)
    register(models, tmp_path, shift=0.3)
    models.registry.promote("churn", 1, "anna", "first")
    models.registry.promote("churn", 2, "job", "better", key="job-7")
    models.registry.promote("churn", 1, "otto", "by hand")
    assert models.registry.promote("churn", 2, "job", "better", key="job-7") == []
    assert aliases(models)["production"] == 1


def test_a_version_that_fails_its_golden_batch_is_not_promoted(models, tmp_path):
    version = register(models, tmp_path)
    (models.registry.artifacts.path(version.digest) / "model.skops").unlink()
    with pytest.raises(ArtifactCorrupt, match="missing"):
        models.registry.promote("churn", 1, "anna", "first")
    assert aliases(models) == {}


def test_what_is_unknown_is_said(models, tmp_path):
    with pytest.raises(ModelUnknown):
        models.registry.resolve("churn")
    register(models, tmp_path)
    for ref in ("production", "2", "latest", "99999999999999999999"):
        with pytest.raises(VersionUnknown):
            models.registry.resolve("churn", ref)
    with pytest.raises(AliasRefused):
        models.registry.move_alias("churn", "latest", 1, "anna", "")


def test_an_interrupted_registration_is_cleaned_at_the_start(tmp_path):
    with models_in(tmp_path / "data") as models:
        version = register(models, tmp_path)
        root = models.registry.artifacts.root
        (root / "staged-left").mkdir()
        (root / ("0" * 64)).mkdir()
    with models_in(tmp_path / "data") as models:
        assert [path.name for path in root.iterdir()] == [version.digest]


def test_what_another_process_may_be_registering_is_not_cleaned(models):
    folder = models.registry.artifacts
    (folder.root / "staged-now").mkdir()
    made = (folder.root / "staged-now").stat().st_mtime
    assert folder.clean(set(), before=made - 3600) == 0
    assert folder.clean(set(), before=made + 1) == 1


def test_a_model_without_sample_rows_is_refused():
    with pytest.raises(BadManifest, match="sample"):
        describe(trained(), Description(name="churn", sample=[]))


def test_edges_and_noise_of_each_feature_are_kept(models, tmp_path):
    edges = register(models, tmp_path).manifest.edges
    assert [entry.feature for entry in edges] == list(sample_rows()[0])
    assert all(len(entry.deciles) == 9 for entry in edges)
    assert all(abs(sum(entry.shares) - 1) < 1e-9 for entry in edges)
    assert all(0 < entry.noise_floor < 1 for entry in edges)


def test_trees_are_trusted_and_other_types_are_listed(models, tmp_path):
    rows = sample_rows()
    forest = RandomForestClassifier(5, random_state=1).fit(matrix(rows), ["a", "b"] * 100)
    registered = models.registry.register(saved(tmp_path, forest), described(forest), "anna")
    assert registered.manifest.classes == ("a", "b")
    named = FunctionTransformer(own_function)
    file = saved(
        tmp_path, make_pipeline(named, LogisticRegression()).fit(matrix(rows), ["a", "b"] * 100)
    )
    with pytest.raises(UntrustedTypes, match="own_function"):
        read_estimator(file, ())


@pytest.mark.parametrize(
    ("field", "number"), [("left_child", 10**6), ("left_child", 0), ("feature", 9)]
)
def test_a_tree_whose_indices_lead_nowhere_is_refused(models, tmp_path, field, number):
    rows = sample_rows()
    tree = DecisionTreeClassifier(max_depth=3).fit(matrix(rows), ["a", "b"] * 100)
    manifest = described(tree)
    state = tree.tree_.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = number
    tree.tree_.__setstate__(state)
    with pytest.raises(ArtifactRefused, match="lead nowhere"):
        models.registry.register(saved(tmp_path, tree), manifest, "anna")


def own_function(values):
    return values
