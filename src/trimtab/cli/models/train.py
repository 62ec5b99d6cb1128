"""`models train` and `models evaluate`: make the shipped kinds of models and measure them."""

import io
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from trimtab.models.ports import TextEncoder
    from trimtab.models.trained.assembly import TrainedModel

app = typer.Typer()

_NAMES = ("fraud-classifier", "risk-predictor", "sentiment-analyzer", "earnings-analyzer")


@app.command()
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_NAMES)}.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Train all four models.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The folder with the training sets.", exists=True)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the artifacts into this folder instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model, print its figures and register it as candidate.

    A Ctrl-C keeps the models that are registered already, and nothing of the others.
    """
    session = session_of(context)
    if all_ == bool(name):
        raise InvalidInput(
            "Give the name of one model, or --all.", hint=f"Names: {', '.join(_NAMES)}."
        )
    data = data or usual_data()
    names = _NAMES if all_ else (name,)
    check_data(data, names)
    reports: list[dict[str, Any]] = []
    with _open_encoder(session) as encoder:
        for model in names:
            reports.append(_train_one(session, model, data, out, encoder))
            if not session.json:
                _show(reports[-1])
    if not printed_as_json(session, {"models": reports}) and all_:
        print_line("All models", style="bold")
        print_table(
            ("model", "version", "figure", "this model", "best baseline", "CPU s"),
            map(summary_row, reports),
        )


def check_data(data: Path, names: Sequence[str]) -> None:
    """Check that the training set of each model is there, before the first one is trained.

    Raises:
        TrainingDataInvalid: Some are missing; all of them are named.
    """
    from trimtab.models.trained.datasets import find_file
    from trimtab.models.trained.errors import TrainingDataInvalid
    from trimtab.models.trained.trainers import trainer_of

    missing = []
    for name in names:
        try:
            find_file(data, trainer_of(name).file)
        except TrainingDataInvalid:
            missing.append(trainer_of(name).file)
    if missing or (len(names) > 1 and data.is_file()):
        what = ", ".join(missing) or "a folder for each model"
        raise TrainingDataInvalid(f"{data} holds no {what}; nothing was trained.")


def summary_row(report: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return name, version, main figure with the best baseline's, and processor seconds."""
    from trimtab.models.trained.trainers import trainer_of

    figure = trainer_of(report["model"]).figure
    others = {
        name: figures[figure]
        for name, figures in report["baselines"].items()
        if figures.get(figure) is not None
    }
    best = max(others, key=lambda name: others[name], default="")
    return (
        report["model"],
        report.get("version", "not registered"),
        figure,
        f"{report['metrics'][figure]:.3f}",
        f"{others[best]:.3f} ({best})" if best else "none",
        report["cpu_seconds"],
    )


@app.command()
def evaluate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_NAMES)}.")],
    data: Annotated[
        Path, typer.Option("--data", help="A labelled file, or the folder with it.", exists=True)
    ],
    artifact: Annotated[
        Path | None,
        typer.Option(help="A folder that `train --out` wrote, instead of a registered version."),
    ] = None,
    version: Annotated[
        str, typer.Option(help="A number or an alias; by default production, then candidate.")
    ] = "",
    json: Json = False,
) -> None:
    """Measure a model on labelled data: F1, AUC, AUPRC, Brier score, calibration error.

    It is the registered version, else the weights that come with this package.
    """
    from trimtab.models.trained.shipped import load_folder
    from trimtab.models.trained.trainers import trainer_of

    session = session_of(context)
    trainer = trainer_of(name)
    with _open_encoder(session) as encoder, TemporaryDirectory() as temporary:
        which, folder = _artifact(session, name, artifact, version, Path(temporary))
        trusted = session.settings.models.trusted_types
        predictor = load_folder(folder, encoder, trusted)
        figures = trainer.evaluate(predictor, data)
    if not printed_as_json(session, {"model": name, "version": which, "metrics": dict(figures)}):
        print_line(f"{name}: {which}", style="bold")
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
    from trimtab.cli.runtime.interrupts import postponed

    name = trained.manifest.name
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        trained.write(folder)
        parts: list[tuple[str, Any]] = [
            ("name", (None, name)),
            ("artifact", packed_artifact(folder)),
        ]
        client = session.client
        # A version without its alias would be half registered.
        with postponed():
            number = int(client.call("POST", "/v1/models", files=parts)["version"])
            request = {"version": number, "reason": "trained"}
            client.call("PUT", f"/v1/models/{name}/aliases/candidate", body=request)
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


def usual_data() -> Path:
    """Return the folder of the training sets when none is named."""
    for folder in (Path("data"), Path("..", "shared", "data", "models")):
        if folder.is_dir():
            return folder
    raise InvalidInput(
        "There is no folder `data` with the training sets.",
        hint="Name it with --data; docs/trained-models.md lists its files.",
    )


def _artifact(
    session: Session, name: str, artifact: Path | None, version: str, temporary: Path
) -> tuple[str, Path]:
    """Return what is measured, in words, and the folder of its files."""
    if artifact is not None:
        return str(artifact), artifact
    name = "fraud-classifier" if name == "classifier_v2" else name
    number = _registered(session, name, version)
    if number is not None:
        packed = session.client.content(f"/v1/models/{name}/versions/{number}/archive")
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            # Names come from our own service, and `extractall` keeps them inside of the folder.
            archive.extractall(temporary)
        return f"{name}@{number}", temporary
    from trimtab.models.trained.shipped import shipped_folder

    return "the weights of this package", shipped_folder(name)


def _registered(session: Session, name: str, version: str) -> int | None:
    """Return the version to measure; None when none is named and none is registered."""
    from trimtab.cli.runtime.connect import NoService

    if version:
        return int(session.client.call("GET", f"/v1/models/{name}/versions/{version}")["version"])

    try:
        models = session.client.call("GET", "/v1/models")["models"]
    except NoService:
        return None
    aliases = [each["aliases"] for each in models if each["name"] == name] or [{}]
    found: int | None = aliases[0].get("production", aliases[0].get("candidate"))
    return found


@contextmanager
def _open_encoder(session: Session) -> Iterator["TextEncoder"]:
    """Yield the embedding model; it is loaded when the first text is embedded."""
    with ExitStack() as closing:
        yield _LazyEncoder(session, closing)


class _LazyEncoder:
    """The shipped embedding model and cross-encoder, each loaded at first use."""

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

    def read(self, question: str, texts: Any) -> Any:
        """Return the state of each text, read with the question."""
        from trimtab.knowledge.embedding.reader import load_reader

        return load_reader().states(question, texts)
