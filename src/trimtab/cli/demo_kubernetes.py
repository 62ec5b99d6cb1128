"""`trimtab demo --kubernetes`: a bad rollout on a real cluster, noticed and rolled back.

It makes a Deployment of its own in a namespace of its own, rolls out a revision that no node can
run, and lets the operator follow the runbook. At the end both are deleted.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from os import environ  # noqa: TID251 - the variable of kubectl, not a setting.
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.demo_loop import Passed, approval, directory, first_incident, follow, running
from trimtab.cli.demo_story import Story
from trimtab.cli.runtime.interrupts import ignored
from trimtab.cli.runtime.session import Session
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kubernetes.cluster import DEPLOYMENT, NAMESPACE
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import (
    KubernetesNotConfigured,
    KubernetesUnavailable,
    ObjectUnknown,
    VerbForbidden,
)

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.infra.settings import Settings

NAME = "trimtab-demo"
"""Of the Deployment, and the first part of the namespace's."""
FAULT = "k8s.rollout.no_room"
_REFRESH_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0
_DEFAULT = "~/.kube/config"


def show(
    session: Session, story: Story, speed: float, kubeconfig: str, namespace: str, *, yes: bool
) -> str:
    """Show a bad rollout and its repair on a cluster; return the state of the incident.

    Raises:
        KubernetesNotConfigured: No cluster is named.
        KubernetesUnavailable: It does not answer.
    """
    settings = replace(
        session.settings.kubernetes,
        enabled=True,
        kubeconfig=_file(kubeconfig, session.settings.kubernetes.kubeconfig),
        contexts=session.settings.kubernetes.contexts[:1],
        namespaces=(namespace or f"{NAME}-{secrets.token_hex(3)}",),
        refresh_seconds=max(1.0, _REFRESH_SECONDS * speed),
    )
    with (
        _namespace(settings, story, made=not namespace),
        directory(session) as folder,
        running(_settings(session, settings, folder, speed)) as (app, address),
    ):
        story.tell("started", f"The console is at {address}", data_dir=str(app.directory.path))
        return _break_and_repair(app, story, settings.namespaces[0], yes=yes)


def _file(option: str, setting: str) -> str:
    """Return the kubeconfig as kubectl finds it."""
    named = option or setting or environ.get("KUBECONFIG", "").split(":")[0] or _DEFAULT
    path = Path(named).expanduser()
    if not path.is_file():
        raise KubernetesNotConfigured(
            f"There is no cluster to show it on: {path} does not exist.",
            hint="Name a kubeconfig with --kubeconfig FILE or KUBECONFIG; "
            "`kind create cluster` or `minikube start` makes a cluster on this machine.",
        )
    return str(path)


@contextmanager
def _namespace(settings: KubernetesSettings, story: Story, *, made: bool) -> Iterator[None]:
    """Make the namespace, and delete it at the end; one that was named stays."""
    clusters, name = Clusters(settings), settings.namespaces[0]
    cluster = clusters.cluster()
    try:
        try:
            if made:
                cluster.apply(NAMESPACE, {"metadata": {"name": name}})
            else:
                cluster.find_all(DEPLOYMENT, name)
        except KubernetesUnavailable as error:
            raise KubernetesUnavailable(
                error.message,
                hint=f"Start the cluster of {settings.kubeconfig}, or name another with "
                "--kubeconfig FILE.",
            ) from None
        except VerbForbidden as error:
            raise VerbForbidden(
                error.message, hint="Name a namespace that you may change with --namespace NAME."
            ) from None
        story.tell("connected", f"The cluster answers; the demo uses the namespace {name}.")
        yield
    finally:
        with ignored(), suppress(ObjectUnknown, KubernetesUnavailable, VerbForbidden):
            if made:
                cluster.delete(NAMESPACE, "", name)
        clusters.close()


def _settings(
    session: Session, kubernetes: KubernetesSettings, folder: Path, speed: float
) -> "Settings":
    settings = session.settings
    service = replace(settings.service, data_dir=folder, clock_rate=speed, drills=True)
    return replace(settings, service=service, kubernetes=kubernetes)


def _break_and_repair(app: "App", story: Story, namespace: str, *, yes: bool) -> str:
    fault = app.catalog.fault(FAULT)
    story.tell("deploying", f"A Deployment {NAME} with 2 replicas is made and gets ready.")
    state = fault.inject({"name": NAME})
    try:
        passed = Passed(patience_seconds=_PATIENCE_SECONDS)
        story.tell("broken", f"{FAULT}: {fault.help}", fault=FAULT)
        incident = first_incident(app, story, passed)
        incident = follow(app, story, incident, passed, approval(app, story, yes=yes))
        found = Clusters(app.settings.kubernetes).cluster().get(DEPLOYMENT, namespace, NAME)
        ready = (found.get("status") or {}).get("readyReplicas", 0)
        story.tell("replicas", f"{ready} of {found['spec']['replicas']} replicas are ready.")
        text = app.incidents.postmortem(incident.id)
    finally:
        with ignored():
            fault.restore(state)
    story.tell("deleted", f"The Deployment {NAME} is deleted.")
    story.tell(
        "postmortem", f"{incident.id} is {incident.state}", incident=incident.id, markdown=text
    )
    story.show(text)
    story.end(
        {
            "incident": incident.id,
            "state": str(incident.state),
            "ready": ready,
            **{key: passed.seconds.get(key) for key in ("detected_s", "diagnosed_s", "resolved_s")},
        }
    )
    return str(incident.state)
