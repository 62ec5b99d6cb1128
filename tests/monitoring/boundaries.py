"""Every shipped alert next to its boundary: values just below and just above each threshold, and for how long.

A series is a value, or promtool's notation; `{v}` stands for the value that is tried. One sample every 30 s.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Boundary:
    """One condition of one alert."""

    alert: str
    series: dict
    below: object
    """It never fires."""
    above: object
    """It fires `after` minutes, and not one evaluation earlier."""
    after: float
    alongside: dict = field(default_factory=dict)

    @property
    def id(self):
        return f"{self.alert}-{'-'.join(self.series)}-{self.below}-{self.above}"[:110]


LENGTH = 400
"""Samples of each series: three hours and twenty minutes."""


def notation(template, value):
    text = str(template).format(v=value)
    return text if "x" in text else f"{text}x{LENGTH}"


def grows(first, step):
    return f"{first}+{step}x{LENGTH}"


MINUTE = 2
"""Samples a minute."""

ANSWERS = {"answers_given_total": grows(0, 100)}
"""200 questions a minute, 1,000 in five."""
BLOCKS = 'guardrail_blocks_total{{judged="questions",guard="injection"}}'
ASKED = "answers_given_total"

_ANSWERS = [
    # 1 % of what was asked: 5 min after the counters are there, and then for a minute.
    Boundary(
        "AnswersFailing", {"answers_failed_total": "0+{v}x400"}, 3, 3.05, 6, {ASKED: grows(0, 297)}
    ),
    # At least ten.
    Boundary(
        "AnswersFailing", {"answers_failed_total": "0+{v}x400"}, 0.99, 1, 6, {ASKED: grows(0, 5)}
    ),
    # More than a fifth, at least five.
    Boundary(
        "AnswersFailing",
        {"answers_failed_total": "0+{v}x400"},
        0.75,
        0.76,
        6,
        {ASKED: grows(0, 3)},
    ),
    Boundary(
        "AnswersFailing", {"answers_failed_total": "0+{v}x400"}, 0.49, 0.5, 6, {ASKED: grows(0, 1)}
    ),
    Boundary("AnswersFallingBack", {"answers_fallback_total": "0+{v}x400"}, 20, 20.1, 6, ANSWERS),
    Boundary(
        "AnswersFallingBack",
        {"answers_fallback_total": "0+{v}x400"},
        0.99,
        1,
        6,
        {ASKED: grows(0, 1)},
    ),
    Boundary(
        "AnswersHallucinating",
        {"answers_unsupported_total": "0+{v}x400"},
        20,
        20.1,
        6,
        {"answers_generated_total": grows(0, 100)},
    ),
    Boundary(
        "AnswersHallucinating",
        {"answers_unsupported_total": "0+{v}x400"},
        1.49,
        1.5,
        6,
        {"answers_generated_total": grows(0, 3)},
    ),
    Boundary("AnswersBlockedSpike", {BLOCKS: "0+{v}x400"}, 10, 10.1, 6, ANSWERS),
    Boundary("AnswersBlockedSpike", {BLOCKS: "0+{v}x400"}, 1.99, 2, 6, {ASKED: grows(0, 2)}),
    Boundary("AnswersEmptyResults", {"answers_empty_total": "0+{v}x400"}, 5, 5.1, 6, ANSWERS),
    Boundary(
        "AnswersEmptyResults",
        {ASKED: "0+{v}x400"},
        5.9,
        6,
        6,
        {"answers_empty_total": grows(0, 3)},
    ),
    Boundary(
        "AnswersEmptyResults",
        {"answers_empty_total": "0+{v}x400"},
        1.99,
        2,
        6,
        {ASKED: grows(0, 10)},
    ),
    Boundary("AnswersSimilarityShifted", {"answers_similarity_ratio": "{v}"}, 0.9, 0.89, 10),
    Boundary("AnswersSimilarityShifted", {"answers_similarity_ratio": "{v}"}, 1.1, 1.11, 10),
    Boundary("AnswersEmbeddingDrift", {"embedding_drift_detected": "{v}"}, 0, 1, 10),
    Boundary("AnswersCanaryMissing", {"answers_canary_recall": "{v}"}, 0.8, 0.79, 5),
    Boundary(
        "AnswersPersonalDataFound",
        {'answers_personal_data_found{{place="traces"}}': "{v}"},
        0,
        1,
        0.5,
    ),
    Boundary("AnswersErasureFailed", {'answers_erasures{{state="failed"}}': "{v}"}, 0, 1, 0.5),
    Boundary(
        "AnswersBudgetNearlyUsed", {'answers_budget_share{{budget="answers"}}': "{v}"}, 0.9, 0.91, 1
    ),
    Boundary("AnswersTracesWaiting", {"answers_export_failing": "{v}"}, 0, 1, 1),
]

ENOUGH = {"kb_searches_recently": 100}
FEW = {"kb_searches_recently": 99}
P50, P99 = "kb_query_p50_latency_seconds", "kb_query_p99_latency_seconds"
GROWTH, READY = "kb_memory_growth_mb_per_hour", "knowledge_documents_ready"
DISK = {"kb_disk_free_bytes": 50e9, "kb_disk_floor_bytes": 5e9}

_KNOWLEDGE = [
    Boundary("KnowledgeDatabaseDamaged", {"kb_database_integrity_ok": "{v}"}, 1, 0, 0),
    Boundary("KnowledgeDiskSpaceCritical", {"kb_disk_used_ratio": "{v}"}, 0.9, 0.91, 0.5, DISK),
    Boundary(
        "KnowledgeDiskSpaceCritical",
        {"kb_disk_free_bytes": "{v}"},
        5000000000,
        4999999999,
        0.5,
        {"kb_disk_floor_bytes": 5000000000, "kb_disk_used_ratio": 0.5},
    ),
    Boundary("KnowledgeDiskSpaceLow", {"kb_disk_used_ratio": "{v}"}, 0.8, 0.81, 5, DISK),
    # Above 90 %, or below the least free bytes, the incident speaks and the warning does not.
    Boundary("KnowledgeDiskSpaceLow", {"kb_disk_used_ratio": "{v}"}, 0.91, 0.9, 5, DISK),
    Boundary(
        "KnowledgeDiskSpaceLow",
        {"kb_disk_free_bytes": "{v}"},
        4999999999,
        5000000000,
        5,
        {"kb_disk_floor_bytes": 5000000000, "kb_disk_used_ratio": 0.85},
    ),
    Boundary("KnowledgeMemoryGrowing", {"kb_memory_used_ratio": "{v}"}, 0.9, 0.91, 5),
    Boundary("KnowledgeMemoryGrowing", {GROWTH: "{v}"}, 100, 101, 5, {READY: 50}),
    # While documents come in, the memory grows with them.
    Boundary("KnowledgeMemoryGrowing", {READY: "{v}"}, "0+1x400", 400, 5, {GROWTH: 400}),
    Boundary("KnowledgeSearchSlow", {P99: "{v}"}, 0.5, 0.51, 1, ENOUGH),
    Boundary("KnowledgeSearchSlow", {"kb_searches_recently": "{v}"}, 99, 100, 1, {P99: 0.6}),
    # The median of fewer searches, for a quarter of an hour.
    Boundary("KnowledgeSearchSlow", {P50: "{v}"}, 0.5, 0.51, 16, FEW),
    Boundary("KnowledgeSearchSlow", {"kb_searches_recently": "{v}"}, 19, 20, 16, {P50: 0.6}),
    Boundary("KnowledgeSearchSlowing", {P99: "{v}"}, 0.15, 0.151, 10, ENOUGH),
    Boundary("KnowledgeSearchSlowing", {"kb_searches_recently": "{v}"}, 99, 100, 10, {P99: 0.2}),
    Boundary(
        "KnowledgeVectorStoreDown",
        {'kb_component_up{{component="vector_store"}}': "{v}"},
        1,
        0,
        0.5,
    ),
    Boundary(
        "KnowledgeRefusalsHigh",
        {"kb_refused_rate": "{v}"},
        0.1,
        0.11,
        1,
        {"kb_refused_recently": 50},
    ),
    Boundary(
        "KnowledgeRefusalsHigh", {"kb_refused_recently": "{v}"}, 49, 50, 1, {"kb_refused_rate": 0.2}
    ),
    Boundary(
        "KnowledgeErrorRateHigh",
        {"kb_error_rate": "{v}"},
        0.01,
        0.011,
        1,
        {"kb_failed_recently": 10},
    ),
    Boundary(
        "KnowledgeErrorRateHigh", {"kb_failed_recently": "{v}"}, 9, 10, 1, {"kb_error_rate": 0.05}
    ),
    Boundary(
        "KnowledgeErrorRateHigh", {"kb_error_rate": "{v}"}, 0.2, 0.21, 1, {"kb_failed_recently": 5}
    ),
    Boundary(
        "KnowledgeErrorRateHigh", {"kb_failed_recently": "{v}"}, 4, 5, 1, {"kb_error_rate": 0.5}
    ),
    Boundary(
        "KnowledgeEmbeddingModelDown",
        {'kb_component_up{{component="embedding_model"}}': "{v}"},
        1,
        0,
        0.5,
    ),
    Boundary("KnowledgeGpuMemoryLow", {'kb_gpu_memory_used_ratio{{gpu="1"}}': "{v}"}, 0.9, 0.91, 5),
    Boundary("KnowledgeGpuMemoryLow", {"kb_embedding_fell_back": "{v}"}, 0, 1, 5),
    Boundary("KnowledgeIngestionBacklog", {"knowledge_documents_queued": "{v}"}, 10000, 10001, 1),
    Boundary(
        "KnowledgeCacheHitRatioLow",
        {"kb_query_cache_hit_ratio": "{v}"},
        0.5,
        0.49,
        60,
        {"kb_query_cache_misses_total": grows(0, 2)},
    ),
    # Nine and ten misses in each half hour.
    Boundary(
        "KnowledgeCacheHitRatioLow",
        {"kb_query_cache_misses_total": "{v}"},
        "0x59 9x59 18x59 27x59 36x59",
        "0x59 10x59 20x59 30x59 40x59",
        60,
        {"kb_query_cache_hit_ratio": 0.3},
    ),
]

RATE, LATENCY = "http_error_rate_ratio", "http_p99_latency_ms"
WEEK, USED = "kb_disk_full_in_seconds", "kb_disk_used_ratio"
CALLS, READS = "http_error_rate_requests", "http_latency_requests"
NORMAL = "http_p99_latency_normal_ms"

_SERVICE = [
    Boundary(
        "ServiceUsageRising",
        {'usage_forecast_peak{{series="kb_memory_used_ratio"}}': "{v}"},
        0.7,
        0.71,
        60,
    ),
    Boundary("ServiceFailing", {RATE: "{v}"}, 0.1, 0.11, 1, {CALLS: 20}),
    Boundary("ServiceFailing", {CALLS: "{v}"}, 19, 20, 1, {RATE: 0.5}),
    Boundary("ServiceErrorRateHigh", {RATE: "{v}"}, 0.05, 0.051, 10, {CALLS: 20}),
    Boundary("ServiceErrorRateHigh", {CALLS: "{v}"}, 19, 20, 10, {RATE: 0.06}),
    Boundary("ServiceSlow", {LATENCY: "{v}"}, 2000, 2001, 1, {READS: 100}),
    Boundary("ServiceSlow", {READS: "{v}"}, 99, 100, 1, {LATENCY: 3000}),
    # Two hours at 200 ms, then half as much again; an hour later that is what is usual.
    Boundary("ServiceSlowing", {LATENCY: "200x239 {v}x100"}, 300, 301, 130, {READS: 100}),
    Boundary("ServiceSlowing", {LATENCY: "60x239 {v}x100"}, 100, 101, 130, {READS: 100}),
    # Enough reads now, and enough an hour ago.
    Boundary(
        "ServiceSlowing", {READS: "100x239 {v}x100"}, 99, 100, 130, {LATENCY: "200x239 400x100"}
    ),
    Boundary(
        "ServiceSlowing", {READS: "{v}x239 100x100"}, 98, 100, 130, {LATENCY: "200x239 400x100"}
    ),
    Boundary("ServiceDegraded", {LATENCY: "{v}"}, 400, 401, 15, {NORMAL: 200, READS: 100}),
    Boundary("ServiceDegraded", {LATENCY: "{v}"}, 100, 101, 15, {NORMAL: 40, READS: 100}),
    Boundary("ServiceDegraded", {READS: "{v}"}, 99, 100, 15, {NORMAL: 200, LATENCY: 500}),
    Boundary("ServiceNearlyFull", {"service_cpu_ratio": "{v}"}, 0.7, 0.71, 75),
    Boundary("ServiceNearlyFull", {"kb_memory_used_ratio": "{v}"}, 0.7, 0.71, 15),
    # Full within a week at the pace of a day: while more than half and at most 80 % is in use.
    Boundary("KnowledgeDiskFillingUp", {WEEK: "{v}"}, 604800, 604799, 30, {USED: 0.6}),
    Boundary("KnowledgeDiskFillingUp", {USED: "{v}"}, 0.5, 0.51, 30, {WEEK: 600000}),
    Boundary("KnowledgeDiskFillingUp", {USED: "{v}"}, 0.81, 0.8, 30, {WEEK: 600000}),
    Boundary(
        "KnowledgeDiskFillingUp",
        {"kb_disk_free_bytes": "{v}"},
        4999999999,
        5000000000,
        30,
        {"kb_disk_floor_bytes": 5000000000, USED: 0.6, WEEK: 600000},
    ),
]

FAILURES = 'guardrail_validation_failures_total{{judged="questions"}}'
VERDICTS = 'guardrail_validations_total{{judged="questions"}}'
GUARD = 'guardrail_failing{{guard="facts"}}'
_GUARDRAILS = [
    Boundary("GuardrailFailing", {GUARD: "{v}"}, 0, 1, 0.5),
    Boundary(
        "GuardrailFalsePositivesHigh",
        {'guardrail_false_positive_rate{{judged="questions"}}': "{v}"},
        0.1,
        0.11,
        15,
    ),
    # More than a twentieth of what was judged, from the second sample on, for 5 min.
    Boundary(
        "GuardrailSuccessRateLow",
        {FAILURES: "0+{v}x400"},
        5,
        5.1,
        5.5,
        {VERDICTS: grows(0, 100)},
    ),
    # At least 20 verdicts: known after five minutes.
    Boundary(
        "GuardrailSuccessRateLow",
        {VERDICTS: "0+{v}x400"},
        1.9,
        2,
        10,
        {FAILURES: grows(0, 1)},
    ),
    Boundary(
        "GuardrailSlow",
        {'guardrail_processing_duration{{judged="questions",guard="facts"}}': "{v}"},
        1,
        1.01,
        5,
    ),
]

_GATES = [
    Boundary(alert, {f'gates_failures{{{{failure="{failure}"}}}}': "{v}"}, 0, 1, 0)
    for alert, failure in (
        ("GatesSchemaFailed", "schema"),
        ("GatesDatasetFailed", "dataset"),
        ("GatesBenchmarkFailed", "benchmark"),
        ("GatesDriftDetected", "drift"),
        ("GatesSecurityFailed", "security"),
        ("GatesPerformanceRegressed", "performance"),
        ("GatesDocumentationOutdated", "documentation"),
        ("GatesProcessViolated", "process"),
        ("GatesNotJudged", "general"),
    )
]

_INCIDENTS = [
    Boundary("IncidentExecutionStalled", {"incidents_stalled_seconds": "{v}"}, 900, 901, 1),
    Boundary("BackgroundTaskLate", {'background_late{{task="watch"}}': "{v}"}, 0, 1, 5),
]

_DEPTH = 'review_depth{{queue="review_queue:high_priority"}}'
_OLDEST = "review_oldest_seconds"

_REVIEW = [
    Boundary("ReviewQueueBacklog", {_DEPTH: "{v}"}, 100, 101, 1),
    Boundary(
        "ReviewItemsOld",
        {f'{_OLDEST}{{{{queue="review_queue:high_priority"}}}}': "{v}"},
        86400,
        86401,
        5,
    ),
    Boundary("ReviewNotUpdating", {"review_collected_seconds": "{v}"}, 300, 301, 2),
    Boundary(
        "FeedbackNotProcessed", {f'{_OLDEST}{{{{queue="feedback_queue"}}}}': "{v}"}, 900, 901, 2
    ),
    Boundary("FeedbackNotProcessed", {"review_feedback_seconds": "{v}"}, 300, 301, 2),
    Boundary("ReviewQueueDamaged", {"review_damaged": "{v}"}, 0, 1, 1),
]

_NOTIFY = [
    Boundary(
        "NotificationChannelFailing", {'notify_channel_failing{{channel="a"}}': "{v}"}, 0, 1, 1
    ),
    Boundary("NotificationChannelFailing", {'notify_self_test_ok{{channel="a"}}': "{v}"}, 1, 0, 1),
    Boundary("NotificationsNotDelivered", {"notify_untried_seconds": "{v}"}, 120, 121, 1),
]

_P95 = 'http_request_duration_seconds{{quantile="0.95"}}'
_REFUSED = 'http_requests_total{{method="GET",route="/v1/me",status="401"}}'

_PLATFORM = [
    Boundary("PlatformResponseSlow", {_P95: "{v}"}, 1, 1.01, 5, {READS: 100}),
    Boundary("PlatformResponseSlow", {READS: "{v}"}, 99, 100, 5, {_P95: 2}),
    # Ten samples of 30 s in five minutes.
    Boundary("PlatformAccessRefused", {_REFUSED: "0+{v}x400"}, 5, 5.1, 6),
    Boundary("PlatformDown", {'up{{job="trimtab",instance="a"}}': "{v}"}, 1, 0, 5),
    Boundary("PlatformDown", {'kb_component_up{{component="database"}}': "{v}"}, 1, 0, 5),
    # A failure of four and a half minutes is none of more than five.
    Boundary("PlatformDown", {'up{{job="trimtab"}}': "{v}x300"}, "0x9 1", "0x11 1", 5),
    Boundary("PlatformDataLoss", {"service_changes_lost": "{v}"}, 0, 1, 1),
    Boundary("PlatformDataLoss", {"kb_backup_age_seconds": "{v}"}, 93_600, 93_601, 1),
    Boundary(
        "PlatformQueryLong", {'db_longest_query_seconds{{database="state.db"}}': "{v}"}, 300, 301, 1
    ),
    Boundary("PostgresUnreachable", {"pg_up": "{v}"}, 1, 0, 1),
    Boundary(
        "PostgresConnectionsExhausted",
        {"pg_connections": "{v}"},
        90,
        91,
        1,
        {"pg_settings_max_connections": 100},
    ),
    Boundary("PostgresQueryLong", {"pg_longest_query_seconds": "{v}"}, 600, 601, 0),
    Boundary("PostgresLocksWaiting", {"pg_longest_lock_wait_seconds": "{v}"}, 60, 61, 1),
    Boundary(
        "PostgresReplicationLag",
        {'pg_replication_lag_seconds{{standby="a"}}': "{v}"},
        60,
        61,
        5,
    ),
    Boundary("PostgresChecksumFailures", {"pg_checksum_failures_total": "{v}"}, 0, 1, 0),
    Boundary(
        "PostgresBackupLate",
        {
            'pg_backup_age_seconds{{place="copies"}}': "{v}",
            'pg_backup_age_seconds{{place="folder"}}': 9,
        },
        93_600,
        93_601,
        1,
    ),
    Boundary("PlatformQueueDeep", {'service_queue_depth{{queue="requests"}}': "{v}"}, 100, 101, 5),
    Boundary("PlatformResponseRaised", {_P95: "{v}"}, 0.5, 0.51, 10, {READS: 100}),
    Boundary("PlatformResponseRaised", {READS: "{v}"}, 99, 100, 10, {_P95: 0.6}),
    Boundary("PlatformErrorsRaised", {RATE: "{v}"}, 0.01, 0.011, 10, {CALLS: 100}),
    Boundary("PlatformErrorsRaised", {CALLS: "{v}"}, 99, 100, 10, {RATE: 0.02}),
    Boundary("PlatformResourcesHigh", {"service_cpu_ratio": "{v}"}, 0.9, 0.91, 75),
    Boundary("PlatformResourcesHigh", {"kb_memory_used_ratio": "{v}"}, 0.9, 0.91, 15),
    # Half an hour at full load is none of an hour.
    Boundary(
        "PlatformResourcesHigh", {"service_cpu_ratio": "0.5x150 1x{v} 0.5x150"}, 60, 200, 138.5
    ),
    # A single error in half an hour is none.
    Boundary(
        "PlatformModelUnavailable",
        {'models_errors_total{{model="m"}}': "0+{v}x400"},
        0.033,
        0.035,
        34,
        {
            'models_served_total{{model="m"}}': grows(0, 1),
            'models_fallbacks_total{{model="m"}}': grows(0, 0),
        },
    ),
    # A second one is.
    Boundary(
        "PlatformModelUnavailable",
        {'models_errors_total{{model="m"}}': "0x80 {v}x320"},
        1,
        2,
        45.5,
        {
            'models_served_total{{model="m"}}': grows(0, 1),
            'models_fallbacks_total{{model="m"}}': grows(0, 0),
        },
    ),
    # The errors of half an hour, of 1,000 requests in each sample.
    Boundary(
        "PlatformModelUnavailable",
        {'models_errors_total{{model="m"}}': "0x80 0+{v}x320"},
        5,
        7,
        67,
        {
            'models_served_total{{model="m"}}': grows(0, 995),
            'models_fallbacks_total{{model="m"}}': grows(0, 0),
        },
    ),
    # One error in 200 is 99.5 %.
    Boundary(
        "PlatformModelUnavailable",
        {'models_errors_total{{model="m"}}': "0+{v}x400"},
        1,
        1.01,
        6,
        {
            'models_served_total{{model="m"}}': grows(0, 190),
            'models_fallbacks_total{{model="m"}}': grows(0, 9),
        },
    ),
]


def of_model(name, **labels):
    """Return the selector of a model's series; braces are doubled for `str.format`."""
    pairs = ",".join(f'{label}="{value}"' for label, value in {"model": "m", **labels}.items())
    return f"{name}{{{{{pairs}}}}}"


F1, LABELLED, REQUESTS = map(of_model, ("models_f1", "models_labelled", "models_requests"))
ESTIMATE, ESTIMATE_ERROR = map(of_model, ("models_f1_estimate", "models_f1_estimate_error"))
PSI, P99, FAILED = map(
    of_model, ("models_drift_score", "models_latency_p99_seconds", "models_error_rate")
)
DRIFTED = {
    "models_drift_p1_threshold": 0.4,
    of_model("models_drift_top_info", top="V14 (PSI=0.8)"): 1,
}
SERVED, FAILURES = map(of_model, ("models_served_total", "models_failures_total"))
NULLS = of_model("models_null_rate", feature="V14")
NULLS_BEFORE = of_model("models_null_rate_reference", feature="V14")
MISSED = {of_model("models_null_top_info", top="V14 (null=0.4)"): 1}

_MODELS = [
    Boundary("ModelUnavailable", {of_model("models_up"): "{v}"}, 1, 0, 0.5),
    # 199 of 200 requests are 99.5 % to the last bit.
    Boundary("ModelAvailabilityLow", {SERVED: "0+{v}x400"}, 199, 198, 6, {FAILURES: grows(0, 1)}),
    Boundary("ModelAvailabilityLow", {FAILURES: "0 {v}x400"}, 199, 200, 5.5, {SERVED: 0}),
    Boundary("ModelAvailabilityLow", {SERVED: "0+{v}x400"}, 0.6, 0.7, 64, {FAILURES: grows(0, 1)}),
    Boundary("ModelAccuracyLow", {F1: "{v}"}, 0.7, 0.69, 1, {LABELLED: 100}),
    Boundary("ModelAccuracyLow", {LABELLED: "{v}"}, 99, 100, 1, {F1: 0.5}),
    Boundary(
        "ModelAccuracyAtRisk",
        {ESTIMATE: "{v}"},
        0.5,
        0.49,
        5,
        {ESTIMATE_ERROR: 0.2, REQUESTS: 300},  # Their sum is 0.7 to the last bit.
    ),
    Boundary(
        "ModelAccuracyAtRisk", {REQUESTS: "{v}"}, 299, 300, 5, {ESTIMATE: 0.5, ESTIMATE_ERROR: 0.05}
    ),
    Boundary(
        "ModelAccuracyAtRisk",
        {LABELLED: "{v}"},
        100,
        99,
        5,
        {ESTIMATE: 0.5, ESTIMATE_ERROR: 0.05, REQUESTS: 300},
    ),
    Boundary("ModelErrorRateHigh", {FAILED: "{v}"}, 0.1, 0.11, 1, {REQUESTS: 20}),
    Boundary("ModelErrorRateHigh", {REQUESTS: "{v}"}, 19, 20, 1, {FAILED: 0.5}),
    Boundary("ModelDriftCritical", {PSI: "{v}"}, 0.4, 0.41, 1, DRIFTED),
    Boundary("ModelDrift", {PSI: "{v}"}, 0.3, 0.31, 1, DRIFTED),
    Boundary("ModelDrift", {PSI: "{v}"}, 0.41, 0.4, 1, DRIFTED),
    Boundary("ModelDriftMild", {PSI: "{v}"}, 0.19, 0.2, 5, DRIFTED),
    Boundary("ModelDriftMild", {PSI: "{v}"}, 0.31, 0.3, 5, DRIFTED),
    Boundary("ModelSlow", {P99: "{v}"}, 2, 2.01, 1, {REQUESTS: 100}),
    Boundary("ModelSlow", {REQUESTS: "{v}"}, 99, 100, 1, {P99: 3}),
    Boundary("ModelSlowing", {P99: "0.5x239 {v}x100"}, 0.75, 0.751, 130, {REQUESTS: 100}),
    Boundary("ModelSlowing", {P99: "0.06x239 {v}x100"}, 0.1, 0.101, 130, {REQUESTS: 100}),
    Boundary("ModelSlowing", {P99: "1x239 {v}x100"}, 2.01, 2, 130, {REQUESTS: 100}),
    Boundary("ModelSlowing", {REQUESTS: "100x239 {v}x100"}, 99, 100, 130, {P99: "0.2x239 0.4x100"}),
    Boundary("ModelDataQuality", {NULLS: "{v}"}, 0.1, 0.11, 1, {NULLS_BEFORE: 0, **MISSED}),
    Boundary("ModelDataQuality", {NULLS: "{v}"}, 0.75, 0.76, 1, {NULLS_BEFORE: 0.5, **MISSED}),
    Boundary("ModelRetrainingScheduled", {of_model("models_retraining_scheduled"): "{v}"}, 0, 1, 0),
    Boundary("ModelLabelsLate", {of_model("models_label_share"): "{v}"}, 0.1, 0.09, 10),
]

WEB = 'cluster="c",namespace="n",name="web"'


def of_web(metric, more=""):
    return f"{metric}{{{{{WEB}{more}}}}}"


DEPLOYED = ',kind="deployment"'
_KUBERNETES = [
    Boundary("KubernetesPodsFailing", {of_web("k8s_pods_waiting", ',reason="r"'): "{v}"}, 0, 1, 1),
    Boundary(
        "KubernetesWorkloadNotReady",
        {of_web("k8s_replicas_ready", DEPLOYED): "{v}"},
        2,
        1,
        10,
        {of_web("k8s_replicas_desired", DEPLOYED): 2},
    ),
    Boundary("KubernetesRolloutStuck", {of_web("k8s_rollout_stuck", DEPLOYED): "{v}"}, 0, 1, 0),
    Boundary("KubernetesWorkloadBusy", {of_web("k8s_pods_cpu_ratio"): "{v}"}, 0.8, 0.81, 5),
    Boundary("KubernetesWorkloadBusy", {of_web("k8s_pods_memory_ratio"): "{v}"}, 0.9, 0.91, 5),
    Boundary(
        "KubernetesScaleAhead",
        {of_web("usage_forecast_peak", ',series="k8s_pods_memory_ratio"'): "{v}"},
        0.7,
        0.701,
        60,
        {of_web("k8s_replicas_desired", DEPLOYED): 3},
    ),
    # What is scaled to none needs nothing.
    Boundary(
        "KubernetesScaleAhead",
        {of_web("k8s_replicas_desired", DEPLOYED): "{v}"},
        0,
        1,
        60,
        {of_web("usage_forecast_peak", ',series="k8s_pods_memory_ratio"'): 0.8},
    ),
    Boundary("KubernetesServiceWithoutEndpoints", {of_web("k8s_endpoints_ready"): "{v}"}, 1, 0, 2),
    Boundary("KubernetesNodeNotReady", {'k8s_nodes_ready{{cluster="c",name="a"}}': "{v}"}, 1, 0, 1),
    Boundary("KubernetesVolumeNotBound", {of_web("k8s_volumes_bound"): "{v}"}, 1, 0, 10),
]

BOUNDARIES = [
    *_PLATFORM,
    *_NOTIFY,
    *_REVIEW,
    *_INCIDENTS,
    *_ANSWERS,
    *_KNOWLEDGE,
    *_SERVICE,
    *_GUARDRAILS,
    *_GATES,
    *_MODELS,
    *_KUBERNETES,
]
