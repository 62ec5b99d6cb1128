"""The bars of the knowledge benchmark: which figure, which limit, and whether it was met."""

import operator
from dataclasses import dataclass

_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt}


@dataclass(frozen=True)
class Bar:
    """``figure`` names an entry of the figures; the limit is in the unit that ``title`` names."""

    title: str
    figure: str
    comparison: str
    limit: float

    def verdict(self, figures: dict) -> str:
        """Return ``met``, ``missed``, or ``not measured``."""
        value = figures.get(self.figure)
        if value is None:
            return "not measured"
        return "met" if _COMPARE[self.comparison](value, self.limit) else "missed"


BARS = (
    Bar("one project: recall", "project_recall", ">=", 1.0),
    Bar("one project: CPU ms a query", "project_cpu_ms", "<=", 2),
    Bar("all passages: recall@10", "all_recall", ">=", 0.95),
    Bar("all passages: CPU ms a query", "all_cpu_ms", "<=", 1.5),
    Bar("words over all passages: CPU ms a query", "keyword_cpu_ms", "<=", 4),
    Bar("hybrid query over HTTP: p99 ms", "http_p99_ms", "<=", 50),
    Bar("cache hit inside: p99 ms", "hit_p99_ms", "<=", 1),
    Bar("cache hit over HTTP: p99 ms", "http_hit_p99_ms", "<=", 4),
    Bar("ingestion: % of the bare embedder's speed", "ingestion_percent", ">=", 90),
    Bar("embedder at 60 tokens: % of the shipped graph's CPU", "embedder_60_percent", "<=", 30),
    Bar("embedder at 120 tokens: % of the shipped graph's CPU", "embedder_120_percent", "<=", 30),
    Bar("embedder: mean cosine to the shipped graph", "cosine", ">=", 0.99),
    Bar("embedder: largest nDCG@10 lost to the shipped graph", "ndcg_lost", "<=", 0.003),
    Bar("index from stored vectors: CPU s", "build_cpu_s", "<=", 80),
    Bar("resident memory: MB", "memory_mb", "<=", 400),
    Bar("disk a passage of 100 words: KB", "disk_kb", "<=", 3),
    Bar("reopen after kill -9: s to the first full answer", "reopen_s", "<", 2),
    Bar("re-ingestion with 1 % changed: % of the first", "again_percent", "<=", 3),
    Bar("cranfield: nDCG@10", "cranfield_ndcg", ">=", 0.45),
    Bar("cacm: nDCG@10", "cacm_ndcg", ">=", 0.52),
    Bar("xquad-en: nDCG@10", "xquad-en_ndcg", ">=", 0.98),
    Bar("any set: nDCG@10 below the better side alone", "below_better_side", "<=", 0.005),
)


def judged(figures: dict) -> list[dict]:
    """Return every bar with its value and verdict, in their order."""
    return [
        {
            "bar": bar.title,
            "limit": f"{bar.comparison} {bar.limit:g}",
            "value": figures.get(bar.figure),
            "verdict": bar.verdict(figures),
        }
        for bar in BARS
    ]
