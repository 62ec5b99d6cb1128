"""Table of all finding codes: failure type, severity, message and fix.

Documentation, tests and the self-test use it to check that each code is described, reachable and
detected.
"""

from dataclasses import dataclass

from trimtab.gates.matrix import HANDLING
from trimtab.gates.records import Failure, Finding, Severity


@dataclass(frozen=True, slots=True)
class Code:
    """Failure type, severity, message and fix of a finding code."""

    failure: Failure
    severity: Severity
    words: str
    """Start of the message; quoted from the runbook where it has one."""
    fix: str


_INVALID_SCHEMA, _FIELD_MISSING = "Invalid JSON schema", "Required field missing"
_OUT_OF_RANGE, _CROSS_CHECK = "Value out of range", "Cross-check mismatch"
_NOT_REPRODUCIBLE, _PERFORMANCE = "Reproducibility check failed", "Timeout or performance issues"
_CHECKSUM, _TOO_FEW_SAMPLES, _NOT_FOUND = (
    "Checksum mismatch detected",
    "Minimum sample count not met",
    "Dataset not found",
)
_SBOM_FAILED, _SIGNING_FAILED = "❌ SBOM generation failed", "❌ Artifact signing failed"
_PROVENANCE_FAILED, _VULNERABILITY = (
    "❌ Provenance verification failed",
    "⚠️ Dependency vulnerability",
)
_REGENERATE = (
    "If the change is meant, regenerate with `trimtab gates manifest create DATASET` (asks for"
    " approval); otherwise restore the file."
)
_SIGN_AGAIN = (
    "Check the keys with `trimtab gates keys list`, then sign again: `trimtab gates sign FILES`."
)

CODES: dict[str, Code] = {
    # --- schema
    "schema.invalid_json": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, "Write the file again as one complete UTF-8 JSON document."),
    "schema.duplicate_key": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, "Keep one of the two: readers disagree about which one counts."),
    "schema.number_too_large": Code(Failure.SCHEMA, Severity.CRITICAL, _OUT_OF_RANGE, "Numbers must lie within ±2^53, where every reader agrees on them."),
    "schema.invalid": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, "Give the field the type and form that the schema names."),
    "schema.unknown_field": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, "Correct the name, or move free data under `extra`."),
    "schema.required_missing": Code(Failure.SCHEMA, Severity.CRITICAL, _FIELD_MISSING, "Add the field (name, accuracy, samples_processed, duration_s, status, schema_version)."),
    "schema.out_of_range": Code(Failure.SCHEMA, Severity.CRITICAL, _OUT_OF_RANGE, "Ensure accuracy is a float from 0 to 1, duration_s > 0, samples_processed > 0."),
    "schema.invalid_status": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, 'status must be "PASS", "PARTIAL" or "ERROR".'),
    "schema.unknown_version": Code(Failure.SCHEMA, Severity.CRITICAL, _INVALID_SCHEMA, "Update schema_version to the current version, or add a migration (SCHEMA_MIGRATION_GUIDE)."),
    "schema.old_version": Code(Failure.SCHEMA, Severity.LOW, "Old schema version", "Update: `trimtab gates migrate REPORT -o REPORT`."),
    # --- datasets
    "datasets.not_found": Code(Failure.DATASET, Severity.CRITICAL, _NOT_FOUND, "Restore the folder under datasets/, or remove the dataset from the report."),
    "datasets.manifest_missing": Code(Failure.DATASET, Severity.CRITICAL, "Manifest missing", "Create it: `trimtab gates manifest create DATASET`."),
    "datasets.manifest_malformed": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, "A manifest holds `<64 hex digits>  <relative path>` lines, sorted, each path once."),
    "datasets.checksum_mismatch": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, _REGENERATE),
    "datasets.file_missing": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, "Download the full dataset again, or regenerate the manifest if the file was dropped on purpose."),
    "datasets.file_unlisted": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, _REGENERATE),
    "datasets.unsafe_path": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, "A manifest may name only regular files inside its own dataset; remove links and `..`."),
    "datasets.too_few_samples": Code(Failure.DATASET, Severity.CRITICAL, _TOO_FEW_SAMPLES, "Download the full dataset, or adjust `datasets.min_samples` in the policy with a reason."),
    "datasets.permission_denied": Code(Failure.DATASET, Severity.CRITICAL, "Permission denied", "`trimtab gates permissions --fix`."),
    "datasets.world_writable": Code(Failure.DATASET, Severity.CRITICAL, "Permission too wide", "`trimtab gates permissions --fix`."),
    "datasets.changed": Code(Failure.DATASET, Severity.CRITICAL, _CHECKSUM, "The report was made with another manifest: run the benchmark again on this data."),
    # --- benchmark
    "benchmark.error_status": Code(Failure.BENCHMARK, Severity.CRITICAL, "❌ Benchmark execution failed", "Read the run's log, repair the run and repeat it; an unfinished run is not evidence."),
    "benchmark.partial_status": Code(Failure.BENCHMARK, Severity.WARNING, "Benchmark only partly done", "Finish the run, or have the maintainers accept the partial result."),
    "benchmark.seed_missing": Code(Failure.BENCHMARK, Severity.CRITICAL, _NOT_REPRODUCIBLE, "Set seeds consistently and record them under `seeds`."),
    "benchmark.environment_missing": Code(Failure.BENCHMARK, Severity.WARNING, _NOT_REPRODUCIBLE, "Set PYTHONHASHSEED, OMP_NUM_THREADS and MKL_NUM_THREADS and record them under `environment`."),
    "benchmark.environment_unfixed": Code(Failure.BENCHMARK, Severity.CRITICAL, _NOT_REPRODUCIBLE, "PYTHONHASHSEED must be a number (not `random`), thread counts must be at least 1."),
    "benchmark.proof_missing": Code(Failure.BENCHMARK, Severity.CRITICAL, _NOT_REPRODUCIBLE, "Prove it: `trimtab gates prove REPORT -- COMMAND` runs the benchmark again in another process."),
    "benchmark.not_reproduced": Code(Failure.BENCHMARK, Severity.CRITICAL, _NOT_REPRODUCIBLE, "Set seeds consistently and fix the environment variables, then prove again."),
    "benchmark.count_mismatch": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Ensure predictions_count == samples_processed; one prediction for each sample."),
    "benchmark.ids_mismatch": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Predictions must be for exactly the samples that were read, each once."),
    "benchmark.log_mismatch": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "The report must state what its log recorded: write it from the same run."),
    "benchmark.log_missing": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Keep the JSONL log that the report names, unchanged, next to it."),
    "benchmark.log_broken": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "The log was cut, reordered or edited: run the benchmark again with the structured logger."),
    "benchmark.clock_back": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Times in the log must not go back: check the clock of the machine and run again."),
    "benchmark.compute_mode_missing": Code(Failure.BENCHMARK, Severity.CRITICAL, "Missing compute mode", "Add `metrics.compute_mode` to the report."),
    "benchmark.compute_mode_unknown": Code(Failure.BENCHMARK, Severity.CRITICAL, "Unknown compute mode", "Use one of the policy's `benchmark.compute_modes`."),
    "benchmark.timeout": Code(Failure.PERFORMANCE, Severity.WARNING, _PERFORMANCE, "Optimize the critical path, or raise `benchmark.timeout_s` in the policy."),
    "benchmark.duration_impossible": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "duration_s is in seconds and must fit between started_at and finished_at."),
    "benchmark.totals_mismatch": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Totals must be the sums of the results."),
    "benchmark.name_doubled": Code(Failure.BENCHMARK, Severity.CRITICAL, _CROSS_CHECK, "Give each result its own name; a benchmark may be reported once."),
    # --- plausibility
    "plausibility.below_chance": Code(Failure.DRIFT, Severity.CRITICAL, "Below the chance floor", "Check for swapped labels or a broken answer parser, then verify dataset integrity."),
    "plausibility.too_good": Code(Failure.DRIFT, Severity.CRITICAL, "Too good to be true", "Look for test data in the training set or labels in the prompt; then have the maintainers widen the window with a source."),
    "plausibility.impossible_fraction": Code(Failure.DRIFT, Severity.CRITICAL, "No whole number of right answers gives this accuracy", "Report right / samples exactly; check samples_processed."),
    "plausibility.stderr_mismatch": Code(Failure.DRIFT, Severity.CRITICAL, "The stated error does not fit accuracy and sample count", "Recompute stderr = sqrt(p (1-p) / (n-1))."),
    "plausibility.too_many_samples": Code(Failure.DRIFT, Severity.CRITICAL, "More samples than the benchmark has", "Remove doubled samples, or name the variant of the benchmark."),
    "plausibility.too_few_samples": Code(Failure.DRIFT, Severity.WARNING, _TOO_FEW_SAMPLES, "Run the whole benchmark, or report status PARTIAL."),
    # --- drift
    "drift.warning": Code(Failure.DRIFT, Severity.WARNING, "⚠️ Performance drift detected", "Acceptable: document the justification and update the tolerance. Otherwise investigate."),
    "drift.critical": Code(Failure.DRIFT, Severity.CRITICAL, "❌ Critical drift beyond tolerance", "Investigate code changes, verify dataset integrity, check upstream; a new baseline needs validation and approval."),
    "drift.accuracy_regression": Code(Failure.DRIFT, Severity.CRITICAL, "Accuracy regression detected", "Investigate code changes since the baseline; `trimtab gates drift -r REPORT` shows the table."),
    "drift.improvement": Code(Failure.DRIFT, Severity.WARNING, "⚠️ Performance drift detected", "A jump upwards needs a reason too: check for leaked test data, then promote a new baseline."),
    "drift.comparison_failed": Code(Failure.DRIFT, Severity.CRITICAL, "Baseline comparison failed", "Restore baseline/current/, or create one: `trimtab gates baseline promote -r REPORT`."),
    "drift.baseline_unapproved": Code(Failure.DRIFT, Severity.CRITICAL, "Baseline comparison failed", "The baseline was changed without approval: restore it, or promote a report with an approval."),
    "drift.benchmark_dropped": Code(Failure.DRIFT, Severity.CRITICAL, "Baseline comparison failed", "Report every benchmark that the baseline holds, or promote a new baseline."),
    "drift.data_changed": Code(Failure.DRIFT, Severity.WARNING, "⚠️ Performance drift detected", "The dataset differs from the baseline's: verify its integrity and check upstream changes."),
    "drift.slower": Code(Failure.PERFORMANCE, Severity.WARNING, "Performance regression", "Profile and optimize, use the appropriate compute mode, or increase the CI resource allocation."),
    "drift.memory": Code(Failure.PERFORMANCE, Severity.WARNING, "Memory usage spike", "Profile memory: `trimtab gates profile SCRIPT`; fix the leak or raise the limit."),
    # --- every gate
    "drift.no_baseline": Code(Failure.GENERAL, Severity.WARNING, "No baseline: cannot judge", "After validation: `trimtab gates approve baseline REPORT --by NAME --reason WHY`, then `trimtab gates baseline promote -r REPORT --approval approval.dsse.json`."),
    "supply_chain.sbom_missing": Code(Failure.SECURITY, Severity.CRITICAL, _SBOM_FAILED, "`trimtab gates sbom` writes it; repair the pip environment if that fails."),
    "supply_chain.sbom_mismatch": Code(Failure.SECURITY, Severity.CRITICAL, _SBOM_FAILED, "Update dependency information: `trimtab gates sbom`, then sign it again."),
    "supply_chain.sbom_unhashed": Code(Failure.SECURITY, Severity.CRITICAL, _SBOM_FAILED, "Every component carries a SHA-256: reinstall packages that have no RECORD."),
    "supply_chain.package_altered": Code(Failure.SECURITY, Severity.CRITICAL, _SBOM_FAILED, "An installed file differs from its RECORD: reinstall the package from the lock file."),
    "supply_chain.unsigned": Code(Failure.SECURITY, Severity.CRITICAL, _SIGNING_FAILED, _SIGN_AGAIN),
    "supply_chain.signature_wrong": Code(Failure.SECURITY, Severity.CRITICAL, _SIGNING_FAILED, _SIGN_AGAIN),
    "supply_chain.signature_stale": Code(Failure.SECURITY, Severity.CRITICAL, _SIGNING_FAILED, "The file changed after it was signed: find out why, then sign again."),
    "supply_chain.key_untrusted": Code(Failure.SECURITY, Severity.CRITICAL, _SIGNING_FAILED, "Only keys in keys/trust.json count: sign with one, or have the security team add it."),
    "supply_chain.key_exposed": Code(Failure.SECURITY, Severity.CRITICAL, _SIGNING_FAILED, "Others can read the private key: rotate it (`trimtab gates keys rotate`)."),
    "supply_chain.provenance_wrong": Code(Failure.SECURITY, Severity.CRITICAL, _PROVENANCE_FAILED, "Verify the build environment and the git information, then build and sign again."),
    "supply_chain.git_dirty": Code(Failure.SECURITY, Severity.CRITICAL, _PROVENANCE_FAILED, "Commit or remove the changes, then build and sign from the clean tree."),
    "supply_chain.vulnerability": Code(Failure.SECURITY, Severity.WARNING, _VULNERABILITY, "Update the dependency and assess the impact, or ignore it in the policy with a reason and a date."),
    "supply_chain.vulnerability_critical": Code(Failure.SECURITY, Severity.CRITICAL, _VULNERABILITY, "Update the dependency at once and assess the impact; the security team is called immediately."),
    "supply_chain.advisories_stale": Code(Failure.SECURITY, Severity.WARNING, "Advisory snapshot is old", "Bring the PyPI export of osv.dev (all.zip) here, then `trimtab gates advisories refresh all.zip`."),
    "supply_chain.pin_broken": Code(Failure.SECURITY, Severity.CRITICAL, "Version outside its pin", "Install a version inside the pin, or change pins.txt with the owner's consent."),
    "supply_chain.licence_denied": Code(Failure.PROCESS, Severity.CRITICAL, "Policy violation", "Replace the package, or allow its licence in the policy with the owner's consent."),
    "supply_chain.licence_unknown": Code(Failure.PROCESS, Severity.LOW, "Licence not stated", "State it in the policy under `supply_chain.licences_known`."),
    "supply_chain.requirement_broken": Code(Failure.SECURITY, Severity.CRITICAL, "Inconsistent requirements", "`trimtab gates pip-check` lists them; reinstall from the lock file."),
    # --- docs
    "docs.link_dead": Code(Failure.DOCUMENTATION, Severity.LOW, "Broken link", "Correct the address or remove the link."),
    "docs.anchor_dead": Code(Failure.DOCUMENTATION, Severity.LOW, "Broken link", "Name an existing heading."),
    "docs.command_unknown": Code(Failure.DOCUMENTATION, Severity.LOW, "Outdated documentation", "The command does not exist (any more): update the page."),
    "docs.migration_guide_missing": Code(Failure.DOCUMENTATION, Severity.LOW, "Missing migration guide", "Describe the step in SCHEMA_MIGRATION_GUIDE."),
    "docs.unclear": Code(Failure.DOCUMENTATION, Severity.LOW, "Unclear procedure", "Finish the section: it is empty or says it is still to be written."),
    # --- process
    "process.template_missing": Code(Failure.PROCESS, Severity.WARNING, "PR template incomplete", "Add .github/pull_request_template.md with the checklist."),
    "process.checklist_incomplete": Code(Failure.PROCESS, Severity.WARNING, "PR template incomplete", "Complete the PR checklist items."),
    "process.approval_missing": Code(Failure.PROCESS, Severity.WARNING, "Missing approvals", "Request the appropriate reviews."),
    "process.approval_stale": Code(Failure.PROCESS, Severity.WARNING, "Missing approvals", "The approval is for another commit or by the author: request a new review."),
    "process.policy_violation": Code(Failure.PROCESS, Severity.WARNING, "Policy violation", "Address the policy: add the file that it names."),
    "process.workflow_failed": Code(Failure.PROCESS, Severity.WARNING, "Workflow failure", "Read the log of the run, fix the cause, and run the workflow again on the change's commit."),
    "process.workflow_invalid": Code(Failure.PROCESS, Severity.WARNING, "Workflow failure", "Fix the workflow configuration."),
    "process.workflow_unsafe": Code(Failure.PROCESS, Severity.WARNING, "Workflow failure", "Fix the workflow configuration: a gate must be able to fail."),
    # --- every gate
    "gates.not_judged": Code(Failure.GENERAL, Severity.CRITICAL, "❌ A gate could not be judged", "Correct what the message names, then run the gates again."),
    "gates.gate_failed": Code(Failure.GENERAL, Severity.CRITICAL, "❌ A gate could not be judged", "Correct or restore what the gate could not read, then run the gates again."),
    "gates.verdict_stale": Code(Failure.GENERAL, Severity.CRITICAL, "❔ The verdict is unknown", "See the service's log for why the project cannot be judged; `trimtab act gates.run` tries again."),
    "gates.no_evidence": Code(Failure.GENERAL, Severity.CRITICAL, "No evidence", "Add the evidence that the policy requires for this gate."),
}  # fmt: skip


def finding(
    code: str, path: str, detail: str, *, fix: str = "", severity: Severity | None = None
) -> Finding:
    """Return a finding for a code.

    Args:
        code: A key of `CODES`.
        path: JSON path or file path.
        detail: Details, appended to the message of the code.
        fix: Replaces the fix of the table.
        severity: Replaces the severity of the table, where the policy or the size of the deviation
            decides.
    """
    known = CODES[code]
    return Finding(
        gate=code.partition(".")[0],
        code=code,
        severity=severity or known.severity,
        path=path,
        message=f"{known.words}: {detail}",
        fix=fix or known.fix,
        team=HANDLING[known.failure].team,
        failure=known.failure,
    )
