"""`answers eval`, `evaluate`, `load-test`, `traces`: measure answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.evaluation.load_report import Baselines, finish_load
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of

if TYPE_CHECKING:
    from trimtab.evaluation.offline.regression import Ask


app = typer.Typer()


@app.command("eval")
def eval_(
    context: typer.Context,
    golden: Annotated[
        Path | None, typer.Option(help="Golden questions: a JSON Lines file or a folder of them.")
    ] = None,
    traces_dir: Annotated[
        Path | None, typer.Option(help="Past traces, asked again and compared with themselves.")
    ] = None,
    output_dir: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("eval_reports"),
    baseline: Annotated[Path | None, typer.Option(help="The run to compare with.")] = None,
    project: Annotated[str, typer.Option(help="For golden questions that name none.")] = "",
    margin: Annotated[float, typer.Option(help="How much of the mean score may be lost.")] = 0.02,
    json: Json = False,
) -> None:
    """Replay golden or past questions; exit 1 unless answers are shown to be as good.

    The report is written to `latest.json` in the output folder, for --baseline of the next run.
    """
    from trimtab.evaluation.offline import compare, read_cases, run, traces_as_cases
    from trimtab.evaluation.offline.regression import EvalRun, before
    from trimtab.kernel.errors import InvalidInput

    if (golden is None) == (traces_dir is None):
        raise InvalidInput("Give either --golden or --traces-dir.")
    session = session_of(context)
    cases = read_cases(golden, project) if golden else traces_as_cases(traces_dir or Path())
    now = run(cases, _client_of(session))
    then = EvalRun.load(baseline) if baseline else before(cases)
    found = compare(now, then, margin) if then.scores else None
    now.save(output_dir / "latest.json")
    body = {"cases": len(cases), "mean": now.mean, "errors": dict(now.errors)}
    body["regression"] = found.as_dict() if found else None
    if not printed_as_json(session, body):
        print_line(f"{len(cases)} cases, mean score {now.mean:.3f}, {len(now.errors)} errors")
        print_line((found.reason or "No regression.") if found else "Nothing to compare with yet.")
    if found and found.blocked:
        raise typer.Exit(1)


@app.command("load-test")
def load_test(
    context: typer.Context,
    project: Annotated[str, typer.Option(help="Whose documents are asked.")],
    queries: Annotated[int, typer.Option(min=1, help="How many questions.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, max=500, help="How many at a time.")] = 5,
    target: Annotated[str, typer.Option(help="The service's address.")] = "http://localhost:8000",
    questions: Annotated[
        Path | None, typer.Option(help="A text file, one question a line.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="docs/baselines/production-baseline.json")
    ] = None,
    write_baseline: Annotated[Path | None, typer.Option(help="Keep this run as baseline.")] = None,
    json: Json = False,
) -> None:
    """Ask many questions at once; exit 1 on an error or when p95 grew by more than 20 %."""
    from trimtab.evaluation.offline import run_load
    from trimtab.evaluation.offline.target import HttpTarget
    from trimtab.kernel.clock import SystemClock

    session = session_of(context)
    texts = questions.read_text(encoding="utf-8").splitlines() if questions else list(_QUESTIONS)
    with HttpTarget(target, project, session.api_key) as service:
        report = run_load(service.ask, texts, (queries, concurrency), SystemClock())
    finish_load(session, report, Baselines(baseline, write_baseline))


@app.command("traces")
def export_traces(
    context: typer.Context,
    output_dir: Annotated[Path, typer.Option(help="Where the file goes.")] = Path("traces/local"),
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 1000,
    json: Json = False,
) -> None:
    """Write the newest traces to a JSON Lines file, for `answers eval --traces-dir`."""
    from json import dumps

    session = session_of(context)
    found = session.client.call("GET", "/v1/traces", params={"limit": limit})["traces"]
    output_dir.mkdir(parents=True, exist_ok=True)
    file = output_dir / "traces.jsonl"
    file.write_text("".join(f"{dumps(trace)}\n" for trace in found), encoding="utf-8")
    if not printed_as_json(session, {"file": str(file), "traces": len(found)}):
        print_line(f"Wrote {len(found)} traces to {file}.")


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    set_: Annotated[
        Path,
        typer.Option("--data", help="A folder with a data.jsonl of question, context, answers."),
    ],
    open_: Annotated[
        bool, typer.Option("--open", help="Ask all contexts as one corpus, a third left out.")
    ] = False,
    json: Json = False,
) -> None:
    """Ask each question with its own context and with another one."""
    from trimtab.evaluation.offline.question_answering import evaluate as measure
    from trimtab.evaluation.offline.question_answering import read

    session = session_of(context)
    report = _measured_open(session, set_) if open_ else measure(read(set_)).as_dict()
    if not printed_as_json(session, report):
        for name, value in report.items():
            print_line(f"{name}: {'-' if value is None else value}")


def _measured_open(session: Session, folder: Path) -> dict[str, object]:
    from trimtab.evaluation.offline.open_answering import evaluate_open
    from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model

    model = session.settings.service.data_dir / "models" / "minilm"
    ensure_model(model)
    embedder = MiniLmEmbedder(model, session.settings.knowledge.embedding_threads)
    try:
        return evaluate_open(folder, embedder).as_dict()
    finally:
        embedder.close()


def _client_of(session: Session) -> "Ask":
    from trimtab.evaluation.offline import Reply

    def ask(project: str, question: str) -> Reply:
        body = {"project": project, "question": question}
        return Reply.of(session.client.call("POST", "/v1/answers", body=body))

    return ask


_QUESTIONS = (
    "What happens when the embedding model is down?",
    "How large is the query cache?",
    "Who is called when a runbook does not help?",
    "How long are traces kept?",
    "Which alert opens the runbook for cache misses?",
)
