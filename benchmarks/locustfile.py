"""Load of searches, questions and health checks for locust, to see whether a copy of the service leaks.

    locust -f benchmarks/locustfile.py --headless -u 10 -r 5 --host http://localhost:8000 --project handbook --requests 5000

`--requests` ends the run after so many requests; `-t 30m` after a time. Run `trimtab profile memory` meanwhile.
Exit 1 when a request failed.
"""

import itertools

import gevent
from locust import HttpUser, between, events, task

QUESTIONS = (
    "How large is the query cache?",
    "What happens when the disk is full?",
    "How do I restore a backup?",
    "Which alerts page a person?",
)


@events.init_command_line_parser.add_listener
def add_options(parser):
    parser.add_argument("--project", default="handbook", help="Project that is asked")
    parser.add_argument("--requests", type=int, default=0, help="Stop after so many requests")
    parser.add_argument("--api-key", default="", help="Key of the service", is_secret=True)


@events.init.add_listener
def stop_in_time(environment, **_):
    wanted = environment.parsed_options.requests
    counted = itertools.count(1)

    @environment.events.request.add_listener
    def count(**_):
        if wanted and next(counted) == wanted:
            gevent.spawn(
                environment.runner.quit
            )  # Not here: it would end this user and wait for it.


class Reader(HttpUser):
    """Searches often, asks sometimes, and looks at the health as a monitor does."""

    wait_time = between(0.05, 0.2)

    def on_start(self):
        key = self.environment.parsed_options.api_key
        if key:
            self.client.headers["Authorization"] = f"Bearer {key}"
        self.project = self.environment.parsed_options.project
        # A number makes each question another one, so that caches do not answer them all.
        self.numbers = itertools.count()

    @task(6)
    def search(self):
        given = {"q": self._question()}
        self.client.get(f"/api/v1/search/{self.project}", params=given, name="search")

    @task(2)
    def ask(self):
        body = {"question": self._question(), "project": self.project}
        self.client.post("/v1/answers", json=body, name="ask")

    @task(1)
    def health(self):
        self.client.get("/health", name="health")

    def _question(self):
        number = next(self.numbers)
        return f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"
