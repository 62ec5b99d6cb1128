"""`review export`: write the golden dataset to files."""

import json as json_lines
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command("export")
def export(
    context: typer.Context,
    output_dir: Annotated[Path, typer.Option(help="Where the golden questions go.")] = Path(
        "golden_dataset"
    ),
    json: Json = False,
) -> None:
    """Write the golden dataset: `golden.jsonl` and its `manifest.json` with version and hash."""
    session = session_of(context)
    dataset = session.client.call("GET", "/v1/flywheel/golden")
    files = write_golden(output_dir, dataset)
    body = {"version": dataset["version"], "cases": len(dataset["cases"]), "files": files}
    if not printed_as_json(session, body):
        print_line(
            f"Wrote {body['cases']} golden questions to {output_dir}, version {dataset['version']}."
        )


def write_golden(folder: Path, dataset: dict[str, Any]) -> list[str]:
    """Write the golden dataset into a folder, each file wholly or not at all."""
    cases = dataset["cases"]
    lines = "".join(f"{json_lines.dumps(case, sort_keys=True)}\n" for case in cases)
    manifest = {name: value for name, value in dataset.items() if name != "cases"}
    texts = {
        "golden.jsonl": lines,
        "manifest.json": json_lines.dumps(manifest, indent=1, sort_keys=True) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        temporary = folder / f".{name}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)
    return [str(folder / name) for name in texts]
