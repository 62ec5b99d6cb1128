"""`models to-onnx`: convert a scikit-learn version, compare it, and register it."""

import io
import json as json_text
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()


@app.command(name="to-onnx")
def to_onnx(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Argument(help="A number or an alias.")] = "production",
    json: Json = False,
) -> None:
    """Register a scikit-learn version as ONNX; refused when it predicts something else."""
    session = session_of(context)
    found = session.client.call("GET", f"/v1/models/{name}/versions/{version}")
    packed = session.client.content(f"/v1/models/{name}/versions/{found['version']}/archive")
    body = json_text.dumps(_converted_manifest(found)).encode()
    parts: list[tuple[str, Any]] = [
        ("name", (None, name)),
        ("manifest", ("manifest.json", body)),
        (
            "artifact",
            ("model.onnx", _convert(packed, found, session.settings.models.trusted_types)),
        ),
    ]
    made = session.client.call("POST", "/v1/models", files=parts)
    if not printed_as_json(session, made):
        print_line(
            f"Registered {name}@{made['version']}, converted from {name}@{found['version']}."
        )
        print_line(f"Next: trimtab models promote {name} {made['version']}")


def _converted_manifest(version: dict[str, Any]) -> dict[str, Any]:
    from trimtab.models.packing import library_versions
    from trimtab.models.registry.parity import TOLERANCE

    manifest = {key: value for key, value in version["manifest"].items() if key != "files"}
    golden = {**manifest["golden"], "tolerance": TOLERANCE}
    changes = {"flavour": "onnx", "parent": version["version"], "golden": golden}
    return manifest | changes | {"libraries": library_versions(), "trusted_types": []}


def _convert(packed: bytes, version: dict[str, Any], trusted: tuple[str, ...]) -> bytes:
    """Return the ONNX model of an exported version."""
    from trimtab.models.predictors.skops_file import load_estimator
    from trimtab.models.records import Manifest

    try:
        from skl2onnx import to_onnx as convert
    except ImportError as error:
        raise InvalidInput(
            "The converter of scikit-learn models to ONNX is not installed.",
            hint="Install it with `pip install 'trimtab[onnx]'`.",
        ) from error
    manifest: Manifest = Manifest.from_json(version["manifest"])
    if manifest.flavour != "skops":
        raise InvalidInput(
            f"{version['name']}@{version['version']} is of the flavour {manifest.flavour}.",
            hint="Only scikit-learn versions (skops) of numeric columns can be converted.",
        )
    import numpy as np

    with TemporaryDirectory() as temporary, zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(temporary)
        (file,) = Path(temporary).glob("*.skops")
        estimator = load_estimator(file, manifest, trusted)
    example = np.zeros((1, len(manifest.schema.columns)), dtype=np.float32)
    options = {"zipmap": False} if manifest.classes else None
    try:
        return bytes(convert(estimator, example, options=options).SerializeToString())
    # The converter raises errors of many classes for estimators that it does not know.
    except Exception as error:
        raise InvalidInput(
            f"{type(estimator).__name__} cannot be converted: {type(error).__name__}: {error}."[
                :400
            ],
            hint="The scikit-learn version can serve.",
        ) from error
