"""SQL of model monitoring, in the chain ``model_monitoring``."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import in_list, insert_or_replace, insert_tuples
from trimtab.models.monitoring.corrections import CorrectionKind, InputCorrection
from trimtab.models.monitoring.observations import Label, Observation
from trimtab.models.monitoring.performance import Confusion
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.records import (
    FeatureWindow,
    MetricWindow,
    MonitoredModel,
)
from trimtab.models.monitoring.window import WindowState

CHAIN = "model_monitoring"
_CHUNK = 500


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


_models = _table("monitored_models", "model", "reference_id", "source", "reference", "at", "actor")
_predictions = _table(
    "observed_predictions",
    *("model", "id", "at", "window_start", "version", "prediction", "score", "error"),
    *("label", "labelled_at"),
)
_PREDICTED = ("model", "id", "at", "window_start", "version", "prediction", "score", "error")
_windows = _table(
    "model_windows", "model", "reference_id", "window_start", "state", "changes", "computed"
)
_metrics = _table("model_metric_values", *MetricWindow.COLUMNS)
_features = _table("feature_values", *FeatureWindow.COLUMNS)
_corrections = _table("input_corrections", "model", "feature", "kind", "value", "at", "actor")


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A known prediction, as far as labels are concerned."""

    at: datetime
    label: str | None
    window_start: str


class MonitoringStore:
    """References, predictions, window states and what was computed of them.

    Args:
        database: With the chain ``model_monitoring``.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def put_model(self, model: MonitoredModel) -> None:
        """Keep the reference of a model; it replaces the former one."""
        row = {
            "model": model.name,
            "reference_id": model.reference_id,
            "source": model.source,
            "reference": json.dumps(model.reference.to_json()),
            "at": model.at.isoformat(),
            "actor": model.actor,
        }
        with self.database.write() as connection:
            put = insert_or_replace(connection, _models, tuple(row), ("model",))
            connection.execute(put.values(**row))

    def models(self) -> list[MonitoredModel]:
        """Return every monitored model, by name."""
        with self.database.read() as connection:
            rows = connection.execute(sa.select(_models).order_by(_models.c.model)).mappings()
            return [_model(row) for row in rows]

    def forget_model(self, model: str) -> None:
        """Delete everything about a model."""
        tables = (_models, _predictions, _windows, _metrics, _features, _corrections)
        with self.database.write() as connection:
            for table in tables:
                connection.execute(sa.delete(table).where(table.c.model == model))

    def add_observations(
        self,
        model: MonitoredModel,
        observations: Sequence[Observation],
        window_of: Callable[[datetime], str],
        fold: Callable[[WindowState, list[int]], None],
    ) -> int:
        """Add the observations whose ids are new, with their windows, in one transaction.

        Args:
            model: Whose predictions they are.
            observations: In any order; an id counts once.
            window_of: Returns the start of an instant's window.
            fold: Counts observations in the state of their window; gets their positions.

        Returns:
            How many were new.
        """
        first: dict[str, int] = {}
        for place, each in enumerate(observations):
            first.setdefault(each.id, place)
        # Many were made at the same instant, in one batch.
        instants = {each.at for each in observations}
        times = {at: (at.isoformat(), window_of(at)) for at in instants}
        with self.database.write() as connection:
            known = _known(connection, model.name, list(first))
            new = [place for key, place in first.items() if key not in known]
            if not new:
                return 0
            windows: dict[str, list[int]] = {}
            rows = []
            for place in new:
                each = observations[place]
                at, start = times[each.at]
                rows.append(_prediction_row(model, each, at, start))
                windows.setdefault(start, []).append(place)
            insert_tuples(connection, "observed_predictions", _PREDICTED, rows)
            for start, positions in windows.items():
                state, known_window = _read_state(connection, model, start)
                fold(state, positions)
                _write_state(connection, model, start, state, known=known_window)
        return len(new)

    def predictions(self, model: str, ids: Iterable[str]) -> dict[str, StoredLabel]:
        """Return the known ones of these predictions."""
        found = {}
        with self.database.read() as connection:
            for row in _select(connection, model, list(ids)):
                at = datetime.fromisoformat(row.at)
                found[row.id] = StoredLabel(at, row.label, row.window_start)
        return found

    def set_labels(self, model: str, labels: Sequence[Label], windows: Iterable[str]) -> None:
        """Write labels of known predictions in one transaction, and mark their windows."""
        mine = _predictions.c.model == model
        update = (
            sa.update(_predictions)
            .where(mine & (_predictions.c.id == sa.bindparam("key")))
            .values(label=sa.bindparam("text"), labelled_at=sa.bindparam("time"))
        )
        rows = [{"key": x.id, "text": x.label, "time": x.at.isoformat()} for x in labels]
        with self.database.write() as connection:
            connection.execute(update, rows)
            for start in set(windows):
                connection.execute(
                    sa.update(_windows)
                    .where((_windows.c.model == model) & (_windows.c.window_start == start))
                    .values(changes=_windows.c.changes + 1)
                )

    def changed_windows(self, model: MonitoredModel) -> dict[str, int]:
        """Return the windows that changed since they were computed, with their change counts."""
        query = sa.select(_windows.c.window_start, _windows.c.changes).where(
            (_windows.c.model == model.name)
            & (_windows.c.reference_id == model.reference_id)
            & (_windows.c.changes != _windows.c.computed)
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(_windows.c.window_start)).all()
        return {row.window_start: row.changes for row in rows}

    def states(self, model: MonitoredModel, since: str) -> dict[str, WindowState]:
        """Return the states of the windows from an instant on, by start, oldest first."""
        query = sa.select(_windows.c.window_start, _windows.c.state).where(
            (_windows.c.model == model.name)
            & (_windows.c.reference_id == model.reference_id)
            & (_windows.c.window_start >= since)
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(_windows.c.window_start)).all()
        return {
            row.window_start: WindowState.decode(model.reference, bytes(row.state)) for row in rows
        }

    def confusion(self, model: MonitoredModel, since: str, until: str) -> Confusion:
        """Return labelled predictions by prediction and label, of windows in [since, until).

        Predictions from before the model's present reference are left out.
        """
        query = (
            sa.select(_predictions.c.prediction, _predictions.c.label, sa.func.count())
            .where(
                (_predictions.c.model == model.name)
                & (_predictions.c.window_start >= since)
                & (_predictions.c.window_start < until)
                & (_predictions.c.at >= model.at.isoformat())
                & _predictions.c.label.is_not(None)
                & _predictions.c.prediction.is_not(None)
            )
            .group_by(_predictions.c.prediction, _predictions.c.label)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}

    def label_counts(self, model: str, since: str, until: str) -> tuple[int, int]:
        """Return how many predictions of windows in [since, until) there are, and with a label."""
        query = sa.select(sa.func.count(), sa.func.count(_predictions.c.label)).where(
            (_predictions.c.model == model)
            & (_predictions.c.window_start >= since)
            & (_predictions.c.window_start < until)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one()
        return int(row[0]), int(row[1])

    def has_labels(self, model: str) -> bool:
        """Return whether any prediction of the model has a label."""
        query = sa.select(_predictions.c.id).where(
            (_predictions.c.model == model) & _predictions.c.label.is_not(None)
        )
        with self.database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def put_windows(
        self,
        model: MonitoredModel,
        counts: Mapping[str, int],
        metrics: Sequence[MetricWindow],
        features: Sequence[FeatureWindow],
    ) -> None:
        """Write what was computed of windows in one transaction.

        Args:
            model: Of all windows.
            counts: The change count of each window when it was read; a window that has changed
                since then is computed again.
            metrics: Rows of the windows.
            features: Rows of the features in the windows.
        """
        with self.database.write() as connection:
            for start, count in counts.items():
                mine = _window_of(model, start)
                connection.execute(sa.update(_windows).where(mine).values(computed=count))
            if metrics:
                key = ("model", "window_start")
                put = insert_or_replace(connection, _metrics, MetricWindow.COLUMNS, key)
                connection.execute(put, [each.as_row() for each in metrics])
            if features:
                of_feature = ("model", "window_start", "feature")
                put = insert_or_replace(connection, _features, FeatureWindow.COLUMNS, of_feature)
                connection.execute(put, [each.as_row() for each in features])

    def metric_windows(self, model: str, limit: int = 168) -> list[MetricWindow]:
        """Return the computed windows of a model, the newest first."""
        query = sa.select(_metrics).where(_metrics.c.model == model)
        query = query.order_by(_metrics.c.window_start.desc()).limit(limit)
        with self.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [MetricWindow.from_row(row) for row in rows]

    def feature_windows(self, model: str, feature: str, limit: int = 168) -> list[FeatureWindow]:
        """Return the computed windows of a feature, the newest first."""
        query = sa.select(_features).where(
            (_features.c.model == model) & (_features.c.feature == feature)
        )
        query = query.order_by(_features.c.window_start.desc()).limit(limit)
        with self.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [FeatureWindow.from_row(row) for row in rows]

    def put_correction(self, correction: InputCorrection, at: datetime, actor: str) -> None:
        """Keep the correction of a feature; it replaces the former one."""
        row = {
            "model": correction.model,
            "feature": correction.feature,
            "kind": correction.kind,
            "value": correction.value,
            "at": at.isoformat(),
            "actor": actor,
        }
        with self.database.write() as connection:
            put = insert_or_replace(connection, _corrections, tuple(row), ("model", "feature"))
            connection.execute(put.values(**row))

    def drop_correction(self, model: str, feature: str) -> None:
        """Delete the correction of a feature."""
        mine = (_corrections.c.model == model) & (_corrections.c.feature == feature)
        with self.database.write() as connection:
            connection.execute(sa.delete(_corrections).where(mine))

    def corrections(self, model: str) -> list[InputCorrection]:
        """Return the corrections of a model's inputs."""
        query = sa.select(_corrections).where(_corrections.c.model == model)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(_corrections.c.feature)).all()
        return [
            InputCorrection(row.model, row.feature, CorrectionKind(row.kind), row.value)
            for row in rows
        ]

    def drop_before(self, moment: str) -> None:
        """Delete predictions and windows that are older."""
        with self.database.write() as connection:
            for table in (_predictions, _windows, _metrics, _features):
                connection.execute(sa.delete(table).where(table.c.window_start < moment))


def _model(row: Mapping[Any, Any]) -> MonitoredModel:
    return MonitoredModel(
        row["model"],
        ReferenceProfile.from_json(json.loads(row["reference"])),
        row["reference_id"],
        row["source"],
        datetime.fromisoformat(row["at"]),
        row["actor"],
    )


def _select(connection: sa.Connection, model: str, ids: list[str]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), _CHUNK):
        some = _predictions.c.id.in_(ids[start : start + _CHUNK])
        query = sa.select(_predictions).where((_predictions.c.model == model) & some)
        found += connection.execute(query).all()
    return found


def _known(connection: sa.Connection, model: str, ids: list[str]) -> set[str]:
    # As one parameter: thousands of them would be written into the statement each time.
    query = sa.select(_predictions.c.id).where(
        _predictions.c.model == model, in_list(connection, _predictions.c.id, ids)
    )
    return set(connection.scalars(query))


def _prediction_row(
    model: MonitoredModel, each: Observation, at: str, start: str
) -> tuple[Any, ...]:
    """Return the values of the columns `_PREDICTED`."""
    prediction = model.prediction_of(each)
    return (model.name, each.id, at, start, each.version, prediction, each.score, each.error)


def _read_state(
    connection: sa.Connection, model: MonitoredModel, start: str
) -> tuple[WindowState, bool]:
    """Return the state of a window, and whether the window is known."""
    query = sa.select(_windows.c.state).where(_window_of(model, start))
    found = connection.scalar(query)
    if found is None:
        return WindowState.empty(model.reference), False
    return WindowState.decode(model.reference, bytes(found)), True


def _write_state(
    connection: sa.Connection, model: MonitoredModel, start: str, state: WindowState, *, known: bool
) -> None:
    if known:
        values = {"state": state.encode(), "changes": _windows.c.changes + 1}
        connection.execute(sa.update(_windows).where(_window_of(model, start)).values(**values))
        return
    row = {
        "model": model.name,
        "reference_id": model.reference_id,
        "window_start": start,
        "state": state.encode(),
        "changes": 1,
        "computed": 0,
    }
    connection.execute(sa.insert(_windows).values(**row))


def _window_of(model: MonitoredModel, start: str) -> sa.ColumnElement[bool]:
    return (
        (_windows.c.model == model.name)
        & (_windows.c.reference_id == model.reference_id)
        & (_windows.c.window_start == start)
    )
