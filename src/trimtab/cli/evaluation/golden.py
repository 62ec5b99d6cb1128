"""`answers golden`: size and coverage of the golden questions."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)
GoldenSet = Annotated[
    Path, typer.Option("--data", help="Golden questions: a JSON Lines file or a folder of them.")
]
Project = Annotated[str, typer.Option(help="For golden questions that name none.")]


@app.command("stats")
def stats(
    context: typer.Context, set_: GoldenSet, project: Project = "", json: Json = False
) -> None:
    """Count golden questions by project and category."""
    from trimtab.evaluation.offline import golden, read_cases

    found = golden.stats(read_cases(set_, project))
    if printed_as_json(session_of(context), found.as_dict()):
        return
    print_line(
        f"{found.cases} questions, {found.answered} with an answer, {found.repeated} repeated"
    )
    print_table(("category", "questions"), found.categories.items())


@app.command("coverage")
def coverage(
    context: typer.Context,
    set_: GoldenSet,
    traces_dir: Annotated[
        Path, typer.Option(help="What people asked: `trimtab answers traces` writes it.")
    ],
    project: Project = "",
    json: Json = False,
) -> None:
    """Find question categories without golden questions; exit 1 if there are any."""
    from trimtab.evaluation.offline import golden, read_cases, traces_as_cases

    gaps = golden.coverage(read_cases(set_, project), traces_as_cases(traces_dir))
    body = {"passed": not gaps, "gaps": [gap.as_dict() for gap in gaps]}
    if not printed_as_json(session_of(context), body):
        for gap in gaps:
            print_line(
                f"DO   {gap.category}: {gap.asked_share:.0%} of what is asked, "
                f"{gap.golden_share:.0%} of the golden questions; write {gap.missing} more"
            )
        if not gaps:
            print_line("pass every category of questions has golden questions")
    if gaps:
        raise typer.Exit(1)
