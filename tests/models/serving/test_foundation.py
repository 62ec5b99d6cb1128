"""A language model classifies when no version and no baseline can, if the settings allow it."""

import pytest

from tests.models.factory import described, models_in, sample_rows, saved
from trimtab.models.context import ModelsContext
from trimtab.models.errors import ModelUnavailable
from trimtab.models.service import Models
from trimtab.models.serving.foundation import MAX_ROWS


class Language:
    """Stands for the configured language model."""

    def __init__(self):
        self.asked, self.error, self.answer = [], None, "yes"

    def classify(self, task, classes, rows):
        self.asked.append((task, tuple(classes), len(rows)))
        if self.error:
            raise self.error
        return [self.answer] * len(rows)


@pytest.fixture
def language():
    return Language()


@pytest.fixture
def open_models(tmp_path, language):
    opened = []

    def make(*, baseline=False, **settings):
        context = models_in(tmp_path / "data", **settings)
        models = context.__enter__()
        opened.append(context)
        models = Models(ModelsContext(
            models.context.env, models.context.database, models.context.encoder, language
        ))  # fmt: skip
        manifest = described(card="Tells who leaves.")
        manifest = manifest if baseline else manifest.changed(baseline=None)
        models.registry.register(saved(tmp_path), manifest, "anna")
        models.registry.promote("churn", 1, "anna", "")
        served = models.serving.ready("churn").routing.servers["production"]
        served.loaded.predictor._fast = lambda values: 1 / 0
        opened.append(models)
        return models

    yield make
    for each in reversed(opened):
        each.close() if isinstance(each, Models) else each.__exit__(None, None, None)


def ask(models, rows=1):
    return models.serving.predict_now("churn", sample_rows(rows), "r1")


@pytest.mark.feature("F213")
def test_it_answers_when_nothing_else_can(open_models, language):
    models = open_models(foundation_fallback=True)
    found = ask(models, 2)
    assert (found.served_by, found.outcome, found.version) == ("foundation model", "fallback", 0)
    assert [row["label"] for row in found.outputs.to_json()] == ["yes", "yes"]
    assert language.asked == [("churn. Tells who leaves.", ("no", "yes"), 2)]
    (stored,) = models.serving.store.recent("churn")
    assert stored.served_by == "foundation model"


@pytest.mark.feature("F213")
def test_it_is_asked_last_and_only_when_the_settings_say_so(open_models, language):
    assert ask(open_models(foundation_fallback=True, baseline=True)).served_by == "baseline"
    assert language.asked == []


def test_it_is_not_asked_by_default(open_models, language):
    with pytest.raises(ModelUnavailable):
        ask(open_models())
    assert language.asked == []


@pytest.mark.parametrize(
    "error", [ModelUnavailable("Model Unavailable: no budget."), RuntimeError("broken")]
)
def test_when_it_fails_the_caller_gets_model_unavailable(open_models, language, error):
    language.error = error
    models = open_models(foundation_fallback=True)
    with pytest.raises(ModelUnavailable, match="Model Unavailable"):
        ask(models)
    assert models.serving.ready("churn").errors == 1


@pytest.mark.parametrize("rows", [MAX_ROWS, MAX_ROWS + 1])
def test_it_is_asked_about_few_rows_only(open_models, language, rows):
    models = open_models(foundation_fallback=True)
    if rows <= MAX_ROWS:
        assert len(ask(models, rows).outputs) == rows
    else:
        with pytest.raises(ModelUnavailable, match="more than the 20"):
            ask(models, rows)
        assert language.asked == []


def test_turned_off_fallbacks_turn_it_off_too(open_models, language):
    models = open_models(foundation_fallback=True)
    models.serving.fallback_enabled = False
    with pytest.raises(ModelUnavailable):
        ask(models)
    assert language.asked == []
