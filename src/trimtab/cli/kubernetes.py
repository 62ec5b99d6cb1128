"""`kubernetes`: the workloads of the clusters, and the role that trimtab needs in them."""

from typing import Annotated, Any

import typer

from trimtab.cli import kubernetes_manifests
from trimtab.cli.kubernetes_forecast import forecast_rows
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)
app.add_typer(kubernetes_manifests.app)

_SIGNALS = ("k8s.up", "k8s.replicas.desired", "k8s.replicas.ready", "k8s.rollout.stuck")


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show the clusters, and the desired and ready replicas of each workload."""
    session = session_of(context)
    found = session.client.call("GET", "/v1/signals", params={"name": list(_SIGNALS)})
    read = {each["name"]: each["samples"] for each in found["signals"]}
    clusters = [
        {"cluster": each["labels"]["cluster"], "up": bool(each["value"])} for each in read["k8s.up"]
    ]
    ready, stuck = _by_place(read["k8s.replicas.ready"]), _by_place(read["k8s.rollout.stuck"])
    rows = [
        {
            **each["labels"],
            "desired": int(each["value"]),
            "ready": int(ready[_place(each)]),
            "stuck": bool(stuck[_place(each)]),
        }
        for each in read["k8s.replicas.desired"]
    ]
    if printed_as_json(session, {"clusters": clusters, "workloads": rows}):
        return
    if not clusters:
        print_line("No cluster is read: set kubernetes.enabled and kubernetes.kubeconfig.")
        return
    for each in clusters:
        state = "is read" if each["up"] else "cannot be read; `trimtab status` says why"
        print_line(f"Cluster {each['cluster']} {state}.")
    print_table(
        ("namespace", "kind", "name", "ready", "desired", "rollout"),
        (
            (
                row["namespace"],
                row["kind"],
                row["name"],
                row["ready"],
                row["desired"],
                "does not finish" if row["stuck"] else "",
            )
            for row in rows
        ),
    )


@app.command()
def rbac(
    context: typer.Context,
    action: Annotated[
        list[str] | None,
        typer.Option(help="Only for this action, such as k8s.scale; repeatable. Default: all."),
    ] = None,
    account: Annotated[str, typer.Option(help="Name of the service account.")] = "trimtab",
    namespace: Annotated[str, typer.Option(help="Its namespace.")] = "trimtab",
    json: Json = False,
) -> None:
    """Print ServiceAccount, roles and bindings for `kubectl apply -f -`; needs no service."""
    import yaml

    from trimtab.kernel.errors import InvalidInput
    from trimtab.kubernetes.rbac import ACTIONS, manifests, usual_actions

    session = session_of(context)
    unknown = sorted(set(action or ()) - ACTIONS)
    if unknown:
        raise InvalidInput(
            f"No action is named {unknown[0]!r}.",
            hint=f"Name one of: {', '.join(sorted(ACTIONS))}.",
        )
    settings = session.settings.kubernetes
    names = sorted(action) if action else usual_actions(allow_exec=settings.allow_exec)
    made = manifests(names, settings.namespaces, account, namespace)
    if not printed_as_json(session, {"manifests": made}):
        typer.echo(yaml.safe_dump_all(made, sort_keys=False), nl=False)


@app.command()
def forecast(context: typer.Context, json: Json = False) -> None:
    """Show what workloads will use within a week, and the replicas that keep it below 70 %."""
    session = session_of(context)
    names = ["usage.peak", "usage.forecast.peak", "usage.forecast.days", "k8s.replicas.desired"]
    found = session.client.call("GET", "/v1/signals", params={"name": names})
    read = {each["name"]: each["samples"] for each in found["signals"]}
    rows, days = forecast_rows(read), read["usage.forecast.days"][0]["value"]
    if printed_as_json(session, {"days": days, "usage": rows}):
        return
    if not any(row["expected"] is not None for row in rows):
        print_line(f"A forecast needs 14 days; {days:g} are known.")
    print_table(
        ("what", "namespace", "name", "last week", "next week", "proposal"),
        (
            (
                row["series"], row["namespace"], row["name"], _percent(row["peak"]),
                _percent(row["expected"]), row["act"] or row["advice"],
            )
            for row in rows
        ),
    )  # fmt: skip


def _place(sample: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(sample["labels"].items()))


def _by_place(samples: list[dict[str, Any]]) -> dict[tuple[tuple[str, str], ...], float]:
    return {_place(each): each["value"] for each in samples}


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
