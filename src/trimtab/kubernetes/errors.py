"""Errors of the Kubernetes adapter."""

from trimtab.kernel.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
    Unavailable,
)


class KubernetesNotConfigured(Misconfigured):
    """No cluster is configured, or its configuration cannot be read."""

    code = "kubernetes.not_configured"
    default_hint = "Set `kubernetes.enabled=true` and `kubernetes.kubeconfig`, then start again."


class KubernetesUnavailable(Unavailable):
    """The API server cannot be reached, or it failed."""

    code = "kubernetes.unavailable"
    default_hint = "Check the address in the kubeconfig with `kubectl cluster-info`."


class KubernetesTimeout(DeadlineExceeded):
    """The API server did not answer in time."""

    code = "kubernetes.timeout"
    default_hint = "Repeat it, or raise `kubernetes.request_seconds`."


class CredentialsRefused(Forbidden):
    """The API server does not accept the credentials, such as an expired token."""

    code = "kubernetes.credentials_refused"
    default_hint = "Renew the token in the kubeconfig; `kubectl auth can-i --list` tests it."


class VerbForbidden(Forbidden):
    """The role in the cluster does not allow the call."""

    code = "kubernetes.verb_forbidden"
    default_hint = "`trimtab kubernetes rbac` prints the role that trimtab needs."


class NamespaceNotAllowed(Forbidden):
    """The namespace is not among those of the settings."""

    code = "kubernetes.namespace_not_allowed"


class ObjectUnknown(NotFound):
    """The cluster has no such object, or no longer."""

    code = "kubernetes.object_unknown"


class ObjectChanged(Conflict):
    """Another writer changed the object, or its present state does not allow the change."""

    code = "kubernetes.object_changed"
    default_hint = "Look at the object again, then repeat the action."


class ChangeRefused(InvalidInput):
    """The API server or an admission check refused the change."""

    code = "kubernetes.change_refused"


class PodCommandTimeout(DeadlineExceeded):
    """A command in a pod did not end in time."""

    code = "kubernetes.command_timeout"
    default_hint = "`trimtab act k8s.top` and `k8s.describe` tell whether the pod is busy."


class ProgramMissing(NotFound):
    """The container does not have the program."""

    code = "kubernetes.program_missing"
    default_hint = "Name another container, or a pod whose image has it."
