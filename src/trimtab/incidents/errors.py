"""Errors of the incident operator."""

from trimtab.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
    RateLimited,
)


class IncidentUnknown(NotFound):
    """No incident has that id."""

    code = "incidents.unknown"
    default_hint = "`trimtab incidents list` shows them all."


class NothingToDecide(Conflict):
    """The incident does not wait for an approval, or it was decided before."""

    code = "incidents.nothing_to_decide"
    default_hint = "Look at the incident's timeline: another person may have decided."


class NothingToClose(Conflict):
    """The incident is resolved, or the operator still works on it."""

    code = "incidents.nothing_to_close"
    default_hint = "A person closes incidents that are escalated or not verified."


class StillFiring(Conflict):
    """An alert of the incident still fires."""

    code = "incidents.still_firing"
    default_hint = "Repair the cause first; closing would leave the alert without an incident."


class PlanChanged(Conflict):
    """The approval is for another plan than the current one."""

    code = "incidents.plan_changed"
    default_hint = "Read the plan again and approve its new hash."


class IllegalTransition(Conflict):
    """The state machine does not allow this transition."""

    code = "incidents.illegal_transition"


class DrillRunning(Conflict):
    """Another drill is running; only one may run at a time."""

    code = "incidents.drill_running"
    default_hint = "Wait until it has ended."


class LaddersRefused(Misconfigured):
    """The escalation ladders cannot be read."""

    code = "incidents.ladders_refused"
    default_hint = "Compare with the shipped ladders.yaml; docs/incidents.md explains each key."


class PreapprovalRefused(Misconfigured):
    """An action that always needs a person was put on the pre-approved list."""

    code = "incidents.preapproval_refused"
    default_hint = (
        "Take it out of `incidents.preapproved`; rollback and retraining are always asked for."
    )


class AlertsRefused(InvalidInput):
    """None of the alerts of a request can be accepted."""

    code = "incidents.alerts_refused"
    default_hint = "docs/alerts.md shows the formats that are accepted."


class TooManyAlerts(RateLimited):
    """More alerts are stored or sent than the limit allows."""

    code = "incidents.too_many_alerts"
    default_hint = "Raise `incidents.alerts_limit`, or group and silence alerts at their source."


class MatcherRefused(InvalidInput):
    """A label matcher cannot be used."""

    code = "incidents.matcher_refused"
    default_hint = 'Write it as name="value", name!="value", name=~"pattern" or name!~"pattern".'


class SilenceRefused(InvalidInput):
    """A silence has no end, no author, or a time that is not valid."""

    code = "incidents.silence_refused"
    default_hint = "Give matchers, an author, a comment, and an end after its start."


class SilenceUnknown(NotFound):
    """No silence has that id."""

    code = "incidents.silence_unknown"
    default_hint = "`trimtab incidents silences` lists them."


class WebhookUnknown(NotFound):
    """No mapping for a webhook of that name is configured."""

    code = "incidents.webhook_unknown"
    default_hint = "Add it to `incidents.alerts_file`; docs/alerts.md explains each key."


class AlertsFileRefused(Misconfigured):
    """The file of grouping, inhibition and webhooks cannot be read."""

    code = "incidents.alerts_file_refused"
    default_hint = "Compare with the shipped alerts.yaml; docs/alerts.md explains each key."


class AlreadyAcknowledged(Conflict):
    """Another person has acknowledged the incident."""

    code = "incidents.already_acknowledged"
    default_hint = "Talk to that person, or take the incident over."


class NotPossibleNow(Conflict):
    """The incident's state does not allow what a person asks for."""

    code = "incidents.not_possible_now"
    default_hint = "`trimtab incidents show INCIDENT` shows its state."


class ProposalRefused(InvalidInput):
    """A proposed plan has no acts, too many, or changes nothing."""

    code = "incidents.proposal_refused"
    default_hint = "Propose one to ten actions of the catalog that would change something."


class OwnProposal(Forbidden):
    """The caller approves a plan that the same caller has proposed."""

    code = "incidents.own_proposal"
    default_hint = "Another person or key with the role of its actions approves it."


class FollowUpUnknown(NotFound):
    """The incident has no such follow-up."""

    code = "incidents.follow_up_unknown"
    default_hint = "`trimtab incidents show INCIDENT` lists them."


class ScheduleUnknown(NotFound):
    """No on-call schedule or override has that name."""

    code = "incidents.schedule_unknown"
    default_hint = "`trimtab oncall show` lists them; schedules are in `incidents.oncall_file`."


class OnCallRefused(InvalidInput):
    """An override names no person or has no valid time."""

    code = "incidents.oncall_refused"
    default_hint = "Give a person, a start, and an end after it."


class OnCallFileRefused(Misconfigured):
    """The file of on-call schedules cannot be read."""

    code = "incidents.oncall_file_refused"
    default_hint = "docs/oncall.md explains each key."


class CasesRefused(InvalidInput):
    """The labelled cases of a root-cause data set cannot be read."""

    code = "incidents.cases_refused"
    default_hint = "docs/diagnosis.md shows the folders and files that are read."


class GroupOpen(Conflict):
    """The group of alerts has an open incident already, opened meanwhile by another process."""

    code = "incidents.group_open"
    default_hint = "Repeat the call: the alerts join that incident."
