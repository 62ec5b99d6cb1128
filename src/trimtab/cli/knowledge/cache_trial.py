"""`knowledge cache-trial`: compare sizes of the query cache on recorded queries."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import NotFound

app = typer.Typer()


class NoRecordedQueries(NotFound):
    """There is no recorded query to replay."""

    code = "cli.no_recorded_queries"


@app.command("cache-trial")
def cache_trial(
    context: typer.Context,
    entries: Annotated[
        list[int],
        typer.Option(
            min=1, max=1_000_000, help="Entries of a cache to try; give it twice or more."
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 1000,
    json: Json = False,
) -> None:
    """Replay recorded questions against query caches of several sizes; change nothing live.

    Example: `trimtab knowledge cache-trial --entries 100 --entries 500`
    """
    from trimtab.evaluation.offline.cache_trial import RecordedQuery, replay

    session = session_of(context)
    traces = session.client.call("GET", "/v1/traces", params={"limit": limit})["traces"]
    queries = [query for trace in reversed(traces) if (query := RecordedQuery.of_trace(trace))]
    if not queries:
        raise NoRecordedQueries(
            "No question is recorded that reached retrieval.",
            hint="Ask some with `trimtab ask`, or wait for users' questions.",
        )
    trials = [replay(queries, size) for size in dict.fromkeys(entries)]
    hits = sum(query.was_hit for query in queries)
    body = {
        "queries": len(queries),
        "recorded_hit_ratio": round(hits / len(queries), 4),
        "trials": [trial.as_dict() for trial in trials],
    }
    if printed_as_json(session, body):
        return
    print_line(f"{len(queries)} recorded queries; {hits} were answered from the cache then.")
    print_table(
        ("entries", "hit ratio", "mean ms", "p95 ms"),
        (
            (trial.entries, f"{trial.hit_ratio:.1%}", _ms(trial.mean_ms), _ms(trial.p95_ms))
            for trial in trials
        ),
    )


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
