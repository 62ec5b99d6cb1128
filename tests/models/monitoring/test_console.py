"""The pages of model monitoring."""

from tests.faces import app, app_of, client_of, control, first_key, settings_of  # noqa: F401 - fixtures.
from tests.models.monitoring.data import observations, reference, transactions
from trimtab.console.model_monitoring import bin_bars
from trimtab.models.monitoring.service import ModelMonitor


def test_the_page_of_a_model_shows_each_feature_with_its_plot(app):  # noqa: F811
    monitor = app.http_apps.api.state.services.find(ModelMonitor)
    client = client_of(app, key=first_key(app))
    assert "No model is monitored yet" in client.get("/console/model-monitoring").text
    monitor.set_reference("classifier_v2", reference(), "rows", "ada")
    columns = transactions(1000, seed=3)
    columns["V14"] = columns["V14"] * 100
    monitor.add_observations("classifier_v2", observations(columns))
    monitor.run_once()
    assert "classifier_v2" in client.get("/console/model-monitoring").text
    text = client.get("/console/model-monitoring/classifier_v2").text
    assert text.count('class="bar-fill"') == 10 + 10 + 10 + 4
    assert "looks like another unit" in text
    assert client.get("/console/model-monitoring/other").status_code == 404


def test_bars_are_scaled_to_the_highest_one():
    bars = bin_bars((0.5, 0.5), (0.25, 0.75))
    assert [bar.now_height for bar in bars] == [16.0, 48.0]
    assert [bar.reference_height for bar in bars] == [32.0, 32.0]
    assert bin_bars((0.5, 0.5), ()) == ()
