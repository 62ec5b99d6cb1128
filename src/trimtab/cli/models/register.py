"""`models register`: send an artifact with sample rows or its manifest."""

import io
import json as json_text
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.models.sample import read_rows, some_rows
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()


@app.command()
def register(
    context: typer.Context,
    name: str,
    artifact: Annotated[
        Path, typer.Argument(help="A .skops file, or a folder with manifest.json.", exists=True)
    ],
    sample: Annotated[
        Path | None,
        typer.Option(help="Training data as CSV, JSON or JSON Lines.", exists=True, dir_okay=False),
    ] = None,
    label: Annotated[str, typer.Option(help="The column of the sample that is predicted.")] = "",
    positive: Annotated[str, typer.Option(help="The class that scores are about.")] = "",
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A metric; repeatable.")
    ] = None,
    parent: Annotated[int, typer.Option(help="The version that it replaces.", min=0)] = 0,
    card: Annotated[
        Path | None, typer.Option(help="The model card, as Markdown.", exists=True, dir_okay=False)
    ] = None,
    accept_libraries: Annotated[
        bool, typer.Option("--accept-libraries", help="Accept a model of another scikit-learn.")
    ] = False,
    promote: Annotated[bool, typer.Option("--promote", help="Let it serve at once.")] = False,
    json: Json = False,
) -> None:
    """Register a version; with `--promote` it serves at once."""
    session = session_of(context)
    fields: dict[str, Any] = {
        "positive": positive,
        "metrics": dict(_metric(text) for text in metric or ()),
        "parent": parent,
        "card": card.read_text(encoding="utf-8") if card else "",
        "accept_libraries": accept_libraries,
    }
    parts: list[tuple[str, Any]] = [("name", (None, name))]
    if sample is not None:
        rows, digest = read_rows(sample, label)
        fields["data_sha256"] = digest
        parts.append(("sample", ("sample.json", json_text.dumps(some_rows(rows)).encode())))
    parts.append(("fields", ("fields.json", json_text.dumps(fields).encode())))
    parts.append(("artifact", packed_artifact(artifact)))
    body = session.client.call("POST", "/v1/models", files=parts)
    if promote:
        request = {"version": body["version"], "reason": "registered with --promote"}
        session.client.call("POST", f"/v1/models/{name}/promote", body=request)
        body["aliases"] = ["production"]
    if not printed_as_json(session, body):
        _print_registered(name, body, promoted=promote)


def _print_registered(name: str, body: dict[str, Any], *, promoted: bool) -> None:
    if not promoted and "production" in body["aliases"]:  # The same files were there before.
        print_line(f"{name}@{body['version']} has these files and serves already.")
        return
    print_line(f"Registered {name}@{body['version']} (sha256 {body['sha256'][:12]}).")
    if promoted:
        print_line(f"{name}@{body['version']} serves: POST /v1/models/{name}/predict.")
    else:
        print_line(f"Next: trimtab models promote {name} {body['version']}")


@app.command()
def export(
    context: typer.Context,
    name: str,
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    version: Annotated[str, typer.Option(help="A number or an alias.")] = "production",
    mlflow: Annotated[
        bool, typer.Option("--mlflow", help="Write a model folder of MLflow.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a version into a folder: its files with the manifest, or for MLflow."""
    session = session_of(context)
    params = {"form": "mlflow" if mlflow else "trimtab"}
    packed = session.client.content(f"/v1/models/{name}/versions/{version}/archive", params)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise InvalidInput(f"{folder} exists already.", hint="Name a new folder.") from None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        # Names come from our own service, and `extractall` keeps them inside of the folder.
        archive.extractall(folder)
        body = {"folder": str(folder), "files": archive.namelist()}
    if not printed_as_json(session, body):
        print_line(f"Wrote {', '.join(body['files'])} to {folder}.")


def packed_artifact(path: Path) -> tuple[str, bytes]:
    """Return file name and content; a folder becomes an archive."""
    if path.is_file():
        return path.name, path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(path).as_posix())
    return f"{path.resolve().name}.zip", packed.getvalue()


def _metric(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise InvalidInput(
            f"--metric {text}: the number is missing.", hint="Write --metric f1=0.91."
        ) from None
