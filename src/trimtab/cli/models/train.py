"""`models train` and `models evaluate`: make the shipped kinds of models and measure them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from trimtab.models.ports import Predictor, TextEncoder
    from trimtab.models.trained.assembly import TrainedModel

app = typer.Typer()

_NAMES = ("fraud-classifier", "risk-predictor", "sentiment-analyzer", "earnings-analyzer")


@app.command()
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_NAMES)}.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Train all four models.")] = False,
    data: Annotated[
        Path, typer.Option(help="The folder with the training sets.", exists=True)
    ] = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Write the artifacts into this folder instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model, print its figures and register it as candidate."""
    session = session_of(context)
    if all_ == bool(name):
        raise InvalidInput(
            "Give the name of one model, or --all.", hint=f"Names: {', '.join(_NAMES)}."
        )
    reports: list[dict[str, Any]] = []
    with _open_encoder(session) as encoder:
        for model in _NAMES if all_ else (name,):
            reports.append(_train_one(session, model, data, out, encoder))
            if not session.json:
                _show(reports[-1])
    printed_as_json(session, {"models": reports})


@app.command()
def evaluate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_NAMES)}.")],
    data: Annotated[
        Path, typer.Option("--data", help="A labelled file, or the folder with it.", exists=True)
    ],
    artifact: Annotated[
        Path | None,
        typer.Option(help="A folder that `train --out` wrote; the shipped one by default."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a model on labelled data: F1, AUC, AUPRC, Brier score, calibration error."""
    from trimtab.models.trained.trainers import trainer_of

    session = session_of(context)
    trainer = trainer_of(name)
    with _open_encoder(session) as encoder:
        figures = trainer.evaluate(_load(session, name, artifact, encoder), data)
    if not printed_as_json(session, {"model": name, "metrics": dict(figures)}):
        print_table(("figure", "value"), figures.items())


def _train_one(
    session: Session, name: str, data: Path, out: Path | None, encoder: "TextEncoder"
) -> dict[str, Any]:
    from trimtab.models.trained.trainers import trainer_of

    trainer = trainer_of(name)
    if not session.json:
        print_line(f"Training {name} ...", stderr=True)
    before = time.process_time()
    trained = trainer.train(data, encoder)
    report = trained.report() | {"cpu_seconds": round(time.process_time() - before, 1)}
    if out is not None:
        trained.write(out / trained.manifest.name)
        return report | {"folder": str(out / trained.manifest.name)}
    return report | {"version": _register(session, trained)}


def _register(session: Session, trained: "TrainedModel") -> int:
    """Register the model as candidate; a person lets it serve with `models promote`."""
    from trimtab.cli.models.register import packed_artifact

    name = trained.manifest.name
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        trained.write(folder)
        parts: list[tuple[str, Any]] = [
            ("name", (None, name)),
            ("artifact", packed_artifact(folder)),
        ]
        body = session.client.call("POST", "/v1/models", files=parts)
    number = int(body["version"])
    request = {"version": number, "reason": "trained"}
    session.client.call("PUT", f"/v1/models/{name}/aliases/candidate", body=request)
    return number


def _show(report: Mapping[str, Any]) -> None:
    print_line(f"{report['model']} ({report['cpu_seconds']:g} s of CPU)", style="bold")
    columns = {"this model": report["metrics"], **report["baselines"]}
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    print_table(
        ("figure", *columns),
        ((name, *(figures.get(name) for figures in columns.values())) for name in names),
    )
    if "version" in report:
        ref = f"{report['model']} {report['version']}"
        print_line(f"Registered as candidate. Next: trimtab models promote {ref}")
    else:
        print_line(f"Written to {report['folder']}.")


def _load(
    session: Session, name: str, artifact: Path | None, encoder: "TextEncoder"
) -> "Predictor":
    from trimtab.models.trained.shipped import load_folder, shipped_folder

    trusted = session.settings.models.trusted_types
    return load_folder(artifact or shipped_folder(name), encoder, trusted)


@contextmanager
def _open_encoder(session: Session) -> Iterator["TextEncoder"]:
    """Yield the embedding model; it is loaded when the first text is embedded."""
    with ExitStack() as closing:
        yield _LazyEncoder(session, closing)


class _LazyEncoder:
    """The shipped embedding model, loaded at first use."""

    def __init__(self, session: Session, closing: ExitStack) -> None:
        self._session, self._closing = session, closing
        self._loaded: Any = None

    @property
    def model_id(self) -> str:
        """Return the name of the embedding model."""
        from trimtab.knowledge.embedding import MODEL_ID

        return MODEL_ID

    def embed(self, texts: Any) -> Any:
        """Return one unit vector for each text."""
        if self._loaded is None:
            from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model

            folder = self._session.settings.service.data_dir / "models" / "minilm"
            ensure_model(folder)
            self._loaded = MiniLmEmbedder(folder, threads=1)
            self._closing.callback(self._loaded.close)
        return self._loaded.embed(texts)
