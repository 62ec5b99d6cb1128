"""A week of a healthy service, as its metrics tell it: days and nights, jobs, a release, and people who err now and then."""

import math
import random

DAY, WEEK = 1440, 7 * 1440
"""Minutes."""
RELEASE = 2 * DAY + 14 * 60
"""Wednesday at two: the service is restarted with a new version."""
BACKUP, REINDEX = 2 * 60, 3 * 60
"""Every night."""
GB = 1e9


class Week:
    """Makes the samples of each minute.

    Args:
        seed: Of everything that is left to chance.
    """

    def __init__(self, seed=1):
        self._rng = random.Random(seed)
        self._totals = {}
        self._documents = 5000
        self._free = 150 * GB
        self._started = 0

    def samples(self, minute):
        """Return metrics and their values at a minute of the week; names may carry labels."""
        if minute == RELEASE:
            self._totals, self._started = {}, minute
        people = self._people(minute)
        night = minute % DAY
        backup = BACKUP <= night < BACKUP + 20
        reindex = REINDEX <= night < REINDEX + 30
        self._add_documents(night, reindex)
        self._free -= 0.4 * GB / DAY
        self._free -= 6 * GB / 20 if backup else 0
        self._free += 6 * GB if night == BACKUP + 20 else 0
        return {
            **self._answers(people),
            **self._knowledge(people, minute, reindex),
            **self._http(people, backup or reindex),
            **self._machine(minute, people, backup or reindex),
            **self._quiet(),
        }

    def _people(self, minute):
        """Questions a minute: 60 at noon of a working day, a tenth at the weekend, nearly none at night."""
        hour, weekend = minute % DAY / 60, minute // DAY >= 5
        bell = math.exp(-((hour - 12.5) ** 2) / 14)
        usual = 60 * bell * (0.1 if weekend else 1)
        return max(0, round(self._rng.gauss(usual, math.sqrt(usual + 0.01))))

    def _count(self, name, how_many):
        self._totals[name] = self._totals.get(name, 0) + how_many
        return self._totals[name]

    def _some(self, count, share):
        return sum(self._rng.random() < share for _ in range(count))

    def _add_documents(self, night, reindex):
        self._documents += 20 if reindex else self._some(1, 0.05 if 480 < night < 1080 else 0)

    def _answers(self, people):
        blocks = 'guardrail_blocks_total{judged="questions",guard="injection"}'
        shares = {
            "given": 1.0,
            "fallback": 0.01,
            "generated": 0.9,
            "unsupported": 0.05,
            "empty": 0.02,
            "blocked": 0.03,
        }
        counters = {
            f"answers_{kind}_total": self._count(kind, self._some(people, share))
            for kind, share in shares.items()
        }
        counters["answers_given_total"] = self._count("all", people)
        counters[blocks] = self._count("injection", self._some(people, 0.01))
        counters['answers_failed_total{code="answers.late"}'] = self._count(
            "failed", self._some(people, 0.001)
        )
        return counters

    def _knowledge(self, people, minute, reindex):
        recent = people * 5
        found = {
            "kb_searches_recently": recent,
            "kb_failed_recently": self._some(recent, 0.001),
            "kb_refused_recently": self._some(recent, 0.03),
            "kb_refused_rate": 0.03,
            "knowledge_documents_ready": self._documents,
            "knowledge_documents_queued": 800 if reindex else 0,
            "kb_query_cache_misses_total": self._count("misses", self._some(people, 0.25)),
        }
        found["kb_error_rate"] = found["kb_failed_recently"] / max(1, recent)
        if recent:
            slowest = 4.0 if self._rng.random() < 0.02 else 0.09
            found["kb_query_p99_latency_seconds"] = slowest if recent < 100 else 0.12
            found["kb_query_p50_latency_seconds"] = 0.03
        if recent >= 20:
            found["kb_query_cache_hit_ratio"] = 0.75 + self._rng.uniform(-0.1, 0.1)
        if minute - self._started >= 45:
            found["kb_memory_growth_mb_per_hour"] = 300 if reindex else self._rng.uniform(-20, 40)
        return found

    def _http(self, people, busy):
        recent = people * 6
        found = {"http_latency_requests": recent, "http_error_rate_requests": recent}
        if recent:
            lonely = recent < 100
            found["http_error_rate_ratio"] = 1 / recent if self._rng.random() < 0.002 else 0.0
            usual = 90 + people * 0.3 + self._rng.uniform(0, 10)
            found["http_p99_latency_ms"] = 3000 if lonely and busy else usual
        return found

    def _machine(self, minute, people, busy):
        used = 0.30 + (150 * GB - self._free) / (250 * GB)
        return {
            "service_cpu_ratio": min(1.0, 0.05 + people / 120 + (0.85 if busy else 0)),
            "kb_memory_used_ratio": 0.35 + 0.02 * math.sin(minute / 400),
            "kb_disk_free_bytes": self._free,
            "kb_disk_floor_bytes": 5 * GB,
            "kb_disk_used_ratio": used,
        }

    def _quiet(self):
        names = ("embedding_model", "vector_store", "database")
        return {
            **{f'kb_component_up{{component="{name}"}}': 1 for name in names},
            "kb_database_integrity_ok": 1,
            'answers_erasures{state="failed"}': 0,
            'answers_budget_share{budget="answers"}': 0.4,
            "answers_export_failing": 0,
            "answers_similarity_ratio": self._rng.uniform(0.95, 1.05),
            "embedding_drift_detected": 0,
            "answers_canary_recall": 1,
            'guardrail_failing{guard="facts"}': 0,
            'guardrail_false_positive_rate{judged="questions"}': 0.05,
            'gates_failures{failure="schema"}': 0,
        }
