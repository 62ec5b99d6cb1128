"""Builds what the HTTP API and the console share: sessions, live views and admission."""

from dataclasses import dataclass

from trimtab.infra.environment import Environment
from trimtab.infra.settings import Settings
from trimtab.infra.web.concurrency_limiter import ConcurrencyLimiter
from trimtab.infra.web.live import LiveViews
from trimtab.infra.web.sessions import Sessions, session_secret
from trimtab.kernel.module import Module

_LOCAL_WORKERS, _REMOTE_WORKERS = 8, 64


@dataclass(frozen=True, slots=True)
class Web:
    """Sessions, live views and the concurrency limit of one process.

    Attributes:
        sessions: Sign-ins to the console.
        views: Open live views; they end with the process.
        limiter: Limits how many questions and searches run at once.
    """

    sessions: Sessions
    views: LiveViews
    limiter: ConcurrencyLimiter


def build(env: Environment) -> Module:
    """Return the web services."""
    secret, hours = session_secret(env.directory), env.settings.api.session_hours
    sessions = Sessions(env.state, env.keys, env.clock, secret, hours)
    web = Web(sessions, LiveViews(), limiter_of(env.settings))
    return Module("web", web, close=(web.views.ending.set,))


def limiter_of(settings: Settings) -> ConcurrencyLimiter:
    """Return the concurrency limit of questions and searches.

    Extractive answers use the processor, and more of them at once make each slower; calls that wait
    for a remote model do not.
    """
    remote = settings.answers.generator != "extractive"
    workers = settings.api.at_once or (_REMOTE_WORKERS if remote else _LOCAL_WORKERS)
    return ConcurrencyLimiter(workers, settings.api.most_waiting)
