"""Manifests of several processes: a Deployment for each workload of the operations documents.

They are made from those of the one process, so that probes, security and mounts stay the same, and
written into ``deploy/kubernetes/scale`` by ``make manifests``.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
NAME, NAMESPACE = "knowledgebeast", "production"
_PART = {"app.kubernetes.io/part-of": "trimtab"}
_SECRET, _DATABASE, _REPLICA = "trimtab-shared", "postgresql", "postgresql-replica"
_POSTGRES_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
}
_KEPT_LOG = "wal_keep_size=1GB"
"""How much of the log is kept for a replica that was disconnected."""
_ALLOW_REPLICATION = """\
echo "host replication $POSTGRES_USER all scram-sha-256" >> "$PGDATA/pg_hba.conf"
"""
"""Run once, when the primary's data are made."""
_COPY_PRIMARY = """\
set -eu
[ ! -s "$PGDATA/PG_VERSION" ] || exit 0
rm -rf "$PGDATA" "$PGDATA.part"
mkdir -p "$(dirname "$PGDATA")"
pg_basebackup --pgdata="$PGDATA.part" --write-recovery-conf --wal-method=stream --checkpoint=fast \
  --dbname="application_name=$POD_NAME"
mv "$PGDATA.part" "$PGDATA"
"""
"""Makes the data of a replica before its first start; a copy that was cut off is begun again."""
_POOLER_SETTINGS = {
    "pool_mode": "transaction",
    "max_client_conn": "1000",
    "default_pool_size": "50",
}


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment of the operations documents.

    Attributes:
        name: Of the Deployment and its Service.
        roles: Of its processes, as in `service.roles`.
        replicas: How many pods there are at least.
        most: How many the autoscaler may make; 0 for none.
        port: Of its Service.
        memory: What a pod asks for, from the measured table of the documentation.
        model: The one model that it serves; empty for all.
    """

    name: str
    roles: tuple[str, ...]
    replicas: int = 1
    most: int = 0
    port: int = 8080
    memory: str = "512Mi"
    model: str = ""


EMBEDDING_HEALTH = "http://embedding-service:5000/health"
"""What the page of API errors asks; see `service.provider_probes`."""
WORKLOADS = (
    Workload(NAME, ("knowledge",), 2, 5, port=8000, memory="2Gi"),
    Workload("api-gateway", ("gateway",), 2, 10),
    Workload("ai-orchestrator", ("answers",), 2, 8, memory="2Gi"),
    Workload("embedding-service", ("embedding",), 2, 5, port=5000, memory="768Mi"),
    Workload("guardrail-engine", ("guardrails",), 1, 5),
    Workload("earnings-analyzer", ("models",), 1, 5, memory="1Gi", model="earnings-analyzer"),
    Workload("sentiment-analyzer", ("models",), 1, 5, memory="1Gi", model="sentiment-analyzer"),
    Workload("risk-predictor", ("models",), 1, 5, memory="1Gi", model="risk-predictor"),
    Workload("model-service", ("models",), 1, 5, memory="1Gi"),
    Workload("human-review-system", ("review",)),
    Workload("feedback-processor", ("worker",), 1, 3),
    Workload("notification-service", ("notifications",)),
    Workload("trimtab-operator", ("operator",), 2, memory="1Gi"),
)


def scale_manifests(base: Sequence[Manifest]) -> list[Manifest]:
    """Return the objects of several processes, made from those of the one process."""
    made = [deepcopy(each) for each in base if each["kind"] not in _REPLACED]
    by_kind = {each["kind"]: each for each in base if each["metadata"]["name"] == NAME}
    for each in made:
        if each["metadata"]["name"] == f"{NAME}-settings":
            each["data"]["TRIMTAB_SERVICE_VALKEY_URL"] = "valkey://redis:6379/0"
            each["data"]["TRIMTAB_SERVICE_PROVIDER_PROBES"] = EMBEDDING_HEALTH
        if each["kind"] == "PersistentVolumeClaim":
            # Index caches and the keys that all processes sign with; the state is in PostgreSQL.
            each["spec"]["accessModes"] = ["ReadWriteMany"]
    made += [
        _settings("postgres-config", _POSTGRES_SETTINGS),
        _settings("pgbouncer-config", _POOLER_SETTINGS),
        _network_policy(by_kind["NetworkPolicy"]),
        *_database(),
        *_replica(),
        *_cache(),
    ]
    for workload in WORKLOADS:
        made += _objects(workload, by_kind)
    return made


_REPLACED = ("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy")


def _objects(workload: Workload, base: dict[str, Manifest]) -> Iterator[Manifest]:
    labels = {"app": workload.name}
    yield _deployment(workload, base["Deployment"])
    service = deepcopy(base["Service"])
    service["metadata"] |= {
        "name": workload.name,
        "labels": {**service["metadata"]["labels"], **labels, **_PART},
    }
    service["spec"]["selector"] = labels
    service["spec"]["ports"][0]["port"] = workload.port
    yield service
    if workload.replicas > 1:
        budget = deepcopy(base["PodDisruptionBudget"])
        budget["metadata"] |= {"name": workload.name, "labels": labels}
        budget["spec"]["selector"]["matchLabels"] = labels
        yield budget
    if workload.most:
        yield {
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": _meta(workload.name),
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": workload.name,
                },
                "minReplicas": workload.replicas,
                "maxReplicas": workload.most,
                "targetCPUUtilizationPercentage": 70,
            },
        }


def _deployment(workload: Workload, base: Manifest) -> Manifest:
    made, labels = deepcopy(base), {"app": workload.name}
    made["metadata"] |= {"name": workload.name, "labels": {**labels, **_PART}}
    spec = made["spec"]
    spec["replicas"] = workload.replicas
    # The new pod answers before the former one ends: several processes share the database.
    spec["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    spec["selector"]["matchLabels"] = labels
    spec["template"]["metadata"]["labels"] = {**labels, **_PART}
    (container,) = spec["template"]["spec"]["containers"]
    container["name"] = workload.name
    container["args"] = ["serve", "--roles", ",".join(workload.roles)]
    container["resources"]["requests"]["memory"] = workload.memory
    container["env"] += [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        _value("TRIMTAB_SERVICE_ADVERTISED_ADDRESS", "http://$(POD_IP):8000"),
        {
            "name": "TRIMTAB_SERVICE_DATABASE_URL",
            "valueFrom": {"secretKeyRef": {"name": _SECRET, "key": "database-url"}},
        },
    ]
    if workload.replicas > 1:
        spec["template"]["spec"]["topologySpreadConstraints"] = _spread(workload.name)
    if workload.model:
        container["env"].append(_value("TRIMTAB_MODELS_ONLY", workload.model))
    return made


def _spread(name: str) -> list[Manifest]:
    """Return constraints that spread pods over zones and nodes where there are several."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": name}},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _database() -> Iterable[Manifest]:
    """Return PostgreSQL with pgvector, started with what ``postgres-config`` says."""
    container = _server(_DATABASE)
    container["args"] += ["-c", _KEPT_LOG]
    container["env"] += [
        _value("POSTGRES_USER", "trimtab"),
        _value("POSTGRES_DB", "trimtab"),
        _value("POSTGRES_INITDB_ARGS", "--data-checksums --locale=C.UTF-8"),
        _password("POSTGRES_PASSWORD"),
    ]
    scripts = f"{_DATABASE}-scripts"
    container["volumeMounts"].append(
        {"name": "scripts", "mountPath": "/docker-entrypoint-initdb.d", "readOnly": True}
    )
    made = _workload("StatefulSet", _DATABASE, container, volumeClaimTemplates=[_data_claim()])
    made["spec"]["template"]["spec"]["volumes"] = [
        {"name": "scripts", "configMap": {"name": scripts}}
    ]
    yield _settings(scripts, {"allow-replication.sh": _ALLOW_REPLICATION})
    yield made
    yield _service(_DATABASE, 5432)


def _replica() -> Iterable[Manifest]:
    """Return a streaming standby of the database, for reports and as a second copy."""
    container = _server(_REPLICA)
    place = [
        _value("PGHOST", _DATABASE),
        _value("PGUSER", "trimtab"),
        _password("PGPASSWORD"),
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    copy: Manifest = {
        "name": "copy-primary",
        "image": container["image"],
        "command": ["sh", "-c", _COPY_PRIMARY],
        "env": place,
        "volumeMounts": container["volumeMounts"],
    }
    made = _workload("StatefulSet", _REPLICA, container, volumeClaimTemplates=[_data_claim()])
    made["spec"]["template"]["spec"] |= {
        # The image's user `postgres`; the copy must not belong to root.
        "securityContext": {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
        "initContainers": [copy],
    }
    yield made
    yield _service(_REPLICA, 5432, port_name=_DATABASE)


def _server(name: str) -> Manifest:
    options = [word for each in _POSTGRES_SETTINGS for word in ("-c", f"{each}=$({each.upper()})")]
    return {
        "name": name,
        "image": "pgvector/pgvector:pg18",
        "args": ["postgres", *options],
        "env": [_from_settings(each) for each in _POSTGRES_SETTINGS],
        "ports": [{"name": _DATABASE, "containerPort": 5432, "protocol": "TCP"}],
        "readinessProbe": {
            "exec": {"command": ["pg_isready", "--username", "trimtab"]},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
        },
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql"}],
    }


def _data_claim() -> Manifest:
    return {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "200Gi"}},
        },
    }


def _password(name: str) -> Manifest:
    source = {"secretKeyRef": {"name": _SECRET, "key": "postgres-password"}}
    return {"name": name, "valueFrom": source}


def _cache() -> Iterable[Manifest]:
    """Return Valkey for rate limits and shared answers; nothing of it is stored."""
    words = "--save|''|--appendonly|no|--maxmemory|256mb|--maxmemory-policy|allkeys-lru"
    container: Manifest = {
        "name": "redis",
        "image": "valkey/valkey:8-alpine",
        "args": ["valkey-server", *words.replace("''", "").split("|")],
        "ports": [{"name": "redis", "containerPort": 6379, "protocol": "TCP"}],
        "readinessProbe": {"tcpSocket": {"port": "redis"}, "periodSeconds": 10},
        "resources": {
            "requests": {"cpu": "100m", "memory": "320Mi"},
            "limits": {"memory": "512Mi"},
        },
    }
    yield _workload("Deployment", "redis", container)
    yield _service("redis", 6379)


def _workload(kind: str, name: str, container: Manifest, **more: object) -> Manifest:
    labels, spec = {"app": name}, {"enableServiceLinks": False, "containers": [container]}
    body: Manifest = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec},
        **more,
    }
    if kind == "StatefulSet":
        body["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _meta(name), "spec": body}


def _service(name: str, port: int, port_name: str = "") -> Manifest:
    target = port_name or name
    ports = [{"name": target, "port": port, "protocol": "TCP", "targetPort": target}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(name), "spec": spec}


def _settings(name: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _meta(name),
        "data": dict(data),
    }


def _network_policy(base: Manifest) -> Manifest:
    made = deepcopy(base)
    made["spec"]["podSelector"]["matchLabels"] = dict(_PART)
    return made


def _meta(name: str) -> Manifest:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": name}}


def _value(name: str, value: str) -> Manifest:
    return {"name": name, "value": value}


def _from_settings(key: str) -> Manifest:
    source = {"configMapKeyRef": {"name": "postgres-config", "key": key}}
    return {"name": key.upper(), "valueFrom": source}
