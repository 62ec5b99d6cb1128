"""Training of each model: figures beside a baseline, golden batch, equal bytes, clear errors."""

from dataclasses import replace

import numpy as np
import pytest

from tests.models.trained.factory import (
    LetterEncoder,
    write_credit,
    write_statements,
    write_table,
    write_tweets,
)
from trimtab.models.errors import GoldenMismatch, LibraryMismatch
from trimtab.models.trained.errors import TrainerUnknown, TrainingDataInvalid
from trimtab.models.trained.shipped import load_folder, read_manifest
from trimtab.models.trained.trainers import NAMES, trainer_of

WRITERS = {
    "fraud-classifier": write_table,
    "risk-predictor": write_credit,
    "sentiment-analyzer": write_tweets,
    "earnings-analyzer": write_statements,
}
FIGURES = {
    "fraud-classifier": ("f1", "auc", "auprc", "brier", "calibration_error", "cv_auprc"),
    "risk-predictor": ("f1", "auc", "auprc", "brier", "calibration_error", "cv_auc"),
    "sentiment-analyzer": ("cv_macro_f1", "cv_brier", "cv_calibration_error", "held_out_macro_f1"),
    "earnings-analyzer": ("statements_f1_span", "statements_f1_metric_nature", "tone_macro_f1"),
}
ENCODER = LetterEncoder()


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    file = WRITERS[request.param](folder)
    return folder, file, trainer_of(request.param).train(folder, ENCODER)


def test_states_its_figures_in_manifest_and_card(trained):
    _, _, model = trained
    manifest = model.manifest
    assert set(FIGURES[manifest.name]) <= set(manifest.metrics)
    assert all(np.isfinite(value) for value in manifest.metrics.values())
    for heading in ("## Data and licence", "## Method", "## Figures", "## Limits"):
        assert heading in manifest.card
    assert len(manifest.data_sha256) == 64


def test_learns_what_its_data_teach(trained):
    _, _, model = trained
    metrics = model.manifest.metrics
    score = {
        "fraud-classifier": "auc",
        "risk-predictor": "auc",
        "sentiment-analyzer": "cv_macro_f1",
        "earnings-analyzer": "statements_f1_value_unit",
    }[model.manifest.name]
    assert metrics[score] > 0.85


def test_a_written_model_reproduces_its_golden_batch(trained, tmp_path):
    _, file, model = trained
    model.write(tmp_path)
    predictor = load_folder(tmp_path, ENCODER)
    figures = trainer_of(model.manifest.name).evaluate(predictor, file)
    assert figures
    assert read_manifest(tmp_path) == model.manifest


def test_training_again_gives_the_same_bytes(trained):
    folder, _, model = trained
    again = trainer_of(model.manifest.name).train(folder, ENCODER)
    assert again.content == model.content
    assert again.manifest.digest == model.manifest.digest


def test_another_golden_output_refuses_to_load(trained, tmp_path):
    _, _, model = trained
    golden = model.manifest.golden
    outputs = ({**golden.outputs[0], "value": golden.outputs[0]["value"] + 0.01},)
    changed = replace(golden, outputs=outputs + golden.outputs[1:])
    replace(model, manifest=model.manifest.changed(golden=changed)).write(tmp_path)
    with pytest.raises(GoldenMismatch):
        load_folder(tmp_path, ENCODER)


def test_figures_stand_beside_a_baseline(trained):
    _, _, model = trained
    assert model.baselines
    for baseline, figures in model.baselines.items():
        assert baseline in model.manifest.card
        assert set(figures) <= set(model.manifest.metrics)


def test_the_golden_batch_holds_no_row_of_the_data(trained):
    _, file, model = trained
    text = file.read_text("utf-8")
    for row in model.manifest.golden.rows:
        values = [value if isinstance(value, str) else f"{value:.6f}" for value in row.values()]
        assert ",".join(values) not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_the_data_is_an_error(name, tmp_path):
    with pytest.raises(TrainingDataInvalid, match="holds no"):
        trainer_of(name).train(tmp_path, ENCODER)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("V1,Class\n1,0\n", "no column V2"),
        ("", "no column"),
    ],
)
def test_a_table_with_other_columns_is_an_error(content, message, tmp_path):
    file = write_table(tmp_path)
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TrainingDataInvalid, match=message):
        trainer_of("fraud-classifier").train(tmp_path, ENCODER)


@pytest.mark.parametrize(("old", "new"), [("0.", "zero."), (",0\n", ",7\n")])
def test_a_value_that_is_no_number_or_no_class_names_its_line(old, new, tmp_path):
    file = write_table(tmp_path)
    file.write_text(file.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TrainingDataInvalid, match=r"line [23]"):
        trainer_of("fraud-classifier").train(tmp_path, ENCODER)


@pytest.mark.parametrize("line", ["{", "[]", '{"text": 5, "label": "neutral"}', '{"text": "a"}'])
def test_a_bad_line_of_texts_is_named(line, tmp_path):
    file = write_tweets(tmp_path)
    file.write_text(file.read_text("utf-8") + "\n" + line, encoding="utf-8")
    with pytest.raises(TrainingDataInvalid, match="line 181"):
        trainer_of("sentiment-analyzer").train(tmp_path, ENCODER)


def test_sentences_without_text_need_their_calls(tmp_path):
    write_statements(tmp_path, with_text=False)
    with pytest.raises(TrainingDataInvalid, match="has no text"):
        trainer_of("earnings-analyzer").train(tmp_path, ENCODER)


def test_an_unknown_model_is_an_error():
    with pytest.raises(TrainerUnknown, match="weather"):
        trainer_of("weather")


def test_the_documents_name_of_the_fraud_classifier_is_known():
    assert trainer_of("classifier_v2") is trainer_of("fraud-classifier")


def test_sentiment_weights_refuse_another_encoder(tmp_path):
    write_tweets(tmp_path)
    trainer_of("sentiment-analyzer").train(tmp_path, ENCODER).write(tmp_path / "model")
    with pytest.raises(LibraryMismatch, match="other-letters"):
        load_folder(tmp_path / "model", LetterEncoder("other-letters"))
