"""An ONNX version is registered only if it predicts what the version predicts that it was converted from."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from tests.models.factory import (
    FEATURES,
    described,
    matrix,
    register,
    sample_rows,
    saved,
    trained,
)
from trimtab.models.errors import BadManifest, GoldenMismatch, ParityMismatch
from trimtab.models.packing import Description, describe
from trimtab.models.records import Flavour
from trimtab.models.registry.parity import draw_rows


def converted(folder, estimator, *, classifier=True):
    file = folder / "model.onnx"
    options = {"zipmap": False} if classifier else None
    example = np.zeros((1, len(FEATURES)), dtype=np.float32)
    file.write_bytes(to_onnx(estimator, example, options=options).SerializeToString())
    return file


def onnx_manifest(estimator, parent=1):
    manifest = described(estimator)
    return manifest.changed(
        flavour=Flavour.ONNX, parent=parent, golden=replace(manifest.golden, tolerance=1e-4)
    )


def register_onnx(models, folder, estimator, manifest=None):
    file = converted(folder, estimator)
    return models.registry.register(file, manifest or onnx_manifest(estimator), "anna")


def test_a_converted_model_serves_and_predicts_the_same(models, tmp_path):
    register(models, tmp_path)
    version = register_onnx(models, tmp_path, trained())
    assert (version.version, version.manifest.parent) == (2, 1)
    models.registry.promote("churn", 2, "anna", "")
    rows = sample_rows(50, seed=3)
    found = models.serving.predict_now("churn", rows, "r1")
    assert found.served_by == "churn@2"
    expected = trained().predict_proba(matrix(rows))
    np.testing.assert_allclose(found.outputs.probabilities, expected, atol=1e-5)


@pytest.mark.parametrize(("change", "is_equal"), [(2e-4, True), (2e-3, False)])
def test_a_difference_beyond_single_precision_is_refused(models, tmp_path, change, is_equal):
    register(models, tmp_path)
    other = deepcopy(trained())
    other[-1].intercept_ += change  # Moves a probability by a quarter of it at most.
    if is_equal:
        assert register_onnx(models, tmp_path, other).version == 2
        return
    with pytest.raises(ParityMismatch, match=r"differs from churn@1 in \d+ of 512 rows"):
        register_onnx(models, tmp_path, other)
    assert [each.version for each in models.registry.versions("churn")] == [1]
    assert len(list(models.registry.artifacts.root.iterdir())) == 1


def test_a_wrong_leaf_that_the_golden_batch_does_not_reach_is_found(models, tmp_path):
    rows = sample_rows(400)
    values = matrix(rows)
    labels = np.where(values[:, 2] > 0, "yes", "no")
    forest = RandomForestClassifier(5, max_depth=3, random_state=1).fit(values, labels)
    manifest = described(forest)
    models.registry.register(saved(tmp_path, forest), manifest, "anna")
    wrong = deepcopy(forest)
    for tree in wrong.estimators_:
        leaf = np.flatnonzero(tree.tree_.children_left == -1)[-1]
        tree.tree_.value[leaf] = tree.tree_.value[leaf][:, ::-1]
    reached = [at for at, row in enumerate(matrix(manifest.golden.rows)) if row[2] < 0]
    golden = replace(
        manifest.golden,
        rows=tuple(manifest.golden.rows[at] for at in reached),
        outputs=tuple(manifest.golden.outputs[at] for at in reached),
        tolerance=0.1,
    )
    changed = manifest.changed(flavour=Flavour.ONNX, parent=1, golden=golden)
    with pytest.raises((ParityMismatch, GoldenMismatch)) as error:
        register_onnx(models, tmp_path, wrong, changed)
    assert error.type is ParityMismatch
    changed = changed.changed(golden=replace(golden, tolerance=1e-4))
    assert register_onnx(models, tmp_path, forest, changed).version == 2


@pytest.mark.parametrize("parent", [0, 7])
def test_without_the_version_it_comes_from_it_is_refused(models, tmp_path, parent):
    register(models, tmp_path)
    with pytest.raises(BadManifest, match="needs as `parent`"):
        register_onnx(models, tmp_path, trained(), onnx_manifest(trained(), parent))


def test_another_model_of_other_classes_is_refused(models, tmp_path):
    register(models, tmp_path)
    manifest = onnx_manifest(trained())
    outputs = tuple({**o, "label": "no"} for o in manifest.golden.outputs)
    other = manifest.changed(
        classes=("no", "maybe"), golden=replace(manifest.golden, outputs=outputs)
    )
    with pytest.raises((BadManifest, GoldenMismatch)):
        register_onnx(models, tmp_path, trained(), other)


def test_a_regression_is_compared_by_its_numbers(models, tmp_path):
    values = matrix(sample_rows())
    model = LinearRegression().fit(values, 1000 * values[:, 0])
    manifest = describe(model, Description(name="churn", sample=sample_rows()))
    models.registry.register(saved(tmp_path, model), manifest, "anna")
    changed = manifest.changed(
        flavour=Flavour.ONNX, parent=1, golden=replace(manifest.golden, tolerance=1e-4)
    )
    file = converted(tmp_path, model, classifier=False)
    assert models.registry.register(file, changed, "anna").version == 2
    wrong = deepcopy(model)
    wrong.coef_ = wrong.coef_ * 1.01
    golden = describe(wrong, Description(name="churn", sample=sample_rows())).golden
    file = converted(tmp_path, wrong, classifier=False)
    with pytest.raises(ParityMismatch):
        models.registry.register(file, changed.changed(golden=replace(golden, tolerance=1e-4)), "a")


def test_the_rows_lie_within_the_deciles_and_a_little_beyond():
    manifest = described()
    values = draw_rows(manifest).values
    deciles = np.asarray(manifest.edges[0].deciles)
    assert (values[:, 0] < deciles[0]).any()
    assert (values[:, 0] > deciles[-1]).any()
    inner = np.bincount(np.searchsorted(deciles, values[:, 0]), minlength=10)
    assert inner.min() > 25
