"""Every finding there is: its code, its kind, its severity, the contract's words and the fix.

One table, so that documentation, tests and the self-test can ask whether each code is described, reachable and killed.
"""

from dataclasses import dataclass

from trimtab.gates.matrix import HANDLING
from trimtab.gates.records import Failure, Finding, Severity

_C, _W, _L = Severity.CRITICAL, Severity.WARNING, Severity.LOW
_S, _D, _B, _R = Failure.SCHEMA, Failure.DATASET, Failure.BENCHMARK, Failure.DRIFT
_X, _P, _O, _Q = Failure.SECURITY, Failure.PERFORMANCE, Failure.DOCUMENTATION, Failure.PROCESS


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    failure: Failure
    severity: Severity
    words: str
    """How its message begins; the contract's own words where it gives them."""
    fix: str


_JSON, _FIELD = "Invalid JSON schema", "Required field missing"
_RANGE, _CROSS = "Value out of range", "Cross-check mismatch"
_REPRO, _SLOW = "Reproducibility check failed", "Timeout or performance issues"
_SUM, _FEW, _GONE = (
    "Checksum mismatch detected",
    "Minimum sample count not met",
    "Dataset not found",
)
_SBOM, _SIGN = "❌ SBOM generation failed", "❌ Artifact signing failed"
_PROV, _VULN = "❌ Provenance verification failed", "⚠️ Dependency vulnerability"
_REGENERATE = "If the change is meant, regenerate with `trimtab gates manifest create DATASET` (asks for approval); otherwise restore the file."
_RESIGN = (
    "Check the keys with `trimtab gates keys list`, then sign again: `trimtab gates sign FILES`."
)

CODES: dict[str, Code] = {
    # --- schema
    "schema.invalid_json": Code(_S, _C, _JSON, "Write the file again as one complete UTF-8 JSON document."),
    "schema.duplicate_key": Code(_S, _C, _JSON, "Keep one of the two: readers disagree about which one counts."),
    "schema.number_too_large": Code(_S, _C, _RANGE, "Numbers must lie within ±2^53, where every reader agrees on them."),
    "schema.invalid": Code(_S, _C, _JSON, "Give the field the type and form that the schema names."),
    "schema.unknown_field": Code(_S, _C, _JSON, "Correct the name, or move free data under `extra`."),
    "schema.required_missing": Code(_S, _C, _FIELD, "Add the field (name, accuracy, samples_processed, duration_s, status, schema_version)."),
    "schema.out_of_range": Code(_S, _C, _RANGE, "Ensure accuracy is a float from 0 to 1, duration_s > 0, samples_processed > 0."),
    "schema.invalid_status": Code(_S, _C, _JSON, 'status must be "PASS", "PARTIAL" or "ERROR".'),
    "schema.unknown_version": Code(_S, _C, _JSON, "Update schema_version to the current version, or add a migration (SCHEMA_MIGRATION_GUIDE)."),
    "schema.old_version": Code(_S, _L, "Old schema version", "Update: `trimtab gates migrate REPORT -o REPORT`."),
    # --- datasets
    "datasets.not_found": Code(_D, _C, _GONE, "Restore the folder under datasets/, or remove the dataset from the report."),
    "datasets.manifest_missing": Code(_D, _C, "Manifest missing", "Create it: `trimtab gates manifest create DATASET`."),
    "datasets.manifest_malformed": Code(_D, _C, _SUM, "A manifest holds `<64 hex digits>  <relative path>` lines, sorted, each path once."),
    "datasets.checksum_mismatch": Code(_D, _C, _SUM, _REGENERATE),
    "datasets.file_missing": Code(_D, _C, _SUM, "Download the full dataset again, or regenerate the manifest if the file was dropped on purpose."),
    "datasets.file_unlisted": Code(_D, _C, _SUM, _REGENERATE),
    "datasets.unsafe_path": Code(_D, _C, _SUM, "A manifest may name only regular files inside its own dataset; remove links and `..`."),
    "datasets.too_few_samples": Code(_D, _C, _FEW, "Download the full dataset, or adjust `datasets.min_samples` in the policy with a reason."),
    "datasets.permission_denied": Code(_D, _C, "Permission denied", "`trimtab gates permissions --fix`."),
    "datasets.world_writable": Code(_D, _C, "Permission too wide", "`trimtab gates permissions --fix`."),
    "datasets.changed": Code(_D, _C, _SUM, "The report was made with another manifest: run the benchmark again on this data."),
    # --- benchmark
    "benchmark.error_status": Code(_B, _C, "❌ Benchmark execution failed", "Read the run's log, repair the run and repeat it; an unfinished run is not evidence."),
    "benchmark.partial_status": Code(_B, _W, "Benchmark only partly done", "Finish the run, or have the maintainers accept the partial result."),
    "benchmark.seed_missing": Code(_B, _C, _REPRO, "Set seeds consistently and record them under `seeds`."),
    "benchmark.environment_missing": Code(_B, _W, _REPRO, "Set PYTHONHASHSEED, OMP_NUM_THREADS and MKL_NUM_THREADS and record them under `environment`."),
    "benchmark.environment_unfixed": Code(_B, _C, _REPRO, "PYTHONHASHSEED must be a number (not `random`), thread counts must be at least 1."),
    "benchmark.proof_missing": Code(_B, _C, _REPRO, "Prove it: `trimtab gates prove REPORT -- COMMAND` runs the benchmark again in another process."),
    "benchmark.not_reproduced": Code(_B, _C, _REPRO, "Set seeds consistently and fix the environment variables, then prove again."),
    "benchmark.count_mismatch": Code(_B, _C, _CROSS, "Ensure predictions_count == samples_processed; one prediction for each sample."),
    "benchmark.ids_mismatch": Code(_B, _C, _CROSS, "Predictions must be for exactly the samples that were read, each once."),
    "benchmark.log_mismatch": Code(_B, _C, _CROSS, "The report must state what its log recorded: write it from the same run."),
    "benchmark.log_missing": Code(_B, _C, _CROSS, "Keep the JSONL log that the report names, unchanged, beside it."),
    "benchmark.log_broken": Code(_B, _C, _CROSS, "The log was cut, reordered or edited: run the benchmark again with the structured logger."),
    "benchmark.clock_back": Code(_B, _C, _CROSS, "Times in the log must not go back: check the clock of the machine and run again."),
    "benchmark.compute_mode_missing": Code(_B, _C, "Missing compute mode", "Add `metrics.compute_mode` to the report."),
    "benchmark.compute_mode_unknown": Code(_B, _C, "Unknown compute mode", "Use one of the policy's `benchmark.compute_modes`."),
    "benchmark.timeout": Code(_P, _W, _SLOW, "Optimize the critical path, or raise `benchmark.timeout_s` in the policy."),
    "benchmark.duration_impossible": Code(_B, _C, _CROSS, "duration_s is in seconds and must fit between started_at and finished_at."),
    "benchmark.totals_mismatch": Code(_B, _C, _CROSS, "Totals must be the sums of the results."),
    "benchmark.name_doubled": Code(_B, _C, _CROSS, "Give each result its own name; a benchmark may be reported once."),
    # --- plausibility
    "plausibility.below_chance": Code(_R, _C, "Below the chance floor", "Check for swapped labels or a broken answer parser, then verify dataset integrity."),
    "plausibility.too_good": Code(_R, _C, "Too good to be true", "Look for test data in the training set or labels in the prompt; then have the maintainers widen the window with a source."),
    "plausibility.impossible_fraction": Code(_R, _C, "No whole number of right answers gives this accuracy", "Report right / samples exactly; check samples_processed."),
    "plausibility.stderr_mismatch": Code(_R, _C, "The stated error does not fit accuracy and sample count", "Recompute stderr = sqrt(p (1-p) / (n-1))."),
    "plausibility.too_many_samples": Code(_R, _C, "More samples than the benchmark has", "Remove doubled samples, or name the variant of the benchmark."),
    "plausibility.too_few_samples": Code(_R, _W, _FEW, "Run the whole benchmark, or report status PARTIAL."),
    # --- drift
    "drift.warning": Code(_R, _W, "⚠️ Performance drift detected", "Acceptable: document the justification and update the tolerance. Otherwise investigate."),
    "drift.critical": Code(_R, _C, "❌ Critical drift beyond tolerance", "Investigate code changes, verify dataset integrity, check upstream; a new baseline needs validation and approval."),
    "drift.accuracy_regression": Code(_R, _C, "Accuracy regression detected", "Investigate code changes since the baseline; `trimtab gates drift -r REPORT` shows the table."),
    "drift.improvement": Code(_R, _W, "⚠️ Performance drift detected", "A jump upwards needs a reason too: check for leaked test data, then promote a new baseline."),
    "drift.comparison_failed": Code(_R, _C, "Baseline comparison failed", "Restore baseline/current/, or create one: `trimtab gates baseline promote -r REPORT`."),
    "drift.baseline_unapproved": Code(_R, _C, "Baseline comparison failed", "The baseline was changed without approval: restore it, or promote a report with an approval."),
    "drift.benchmark_dropped": Code(_R, _C, "Baseline comparison failed", "Report every benchmark that the baseline holds, or promote a new baseline."),
    "drift.data_changed": Code(_R, _W, "⚠️ Performance drift detected", "The dataset differs from the baseline's: verify its integrity and check upstream changes."),
    "drift.slower": Code(_P, _W, "Performance regression", "Profile and optimize, use the appropriate compute mode, or increase the CI resource allocation."),
    "drift.memory": Code(_P, _W, "Memory usage spike", "Profile memory: `trimtab gates profile SCRIPT`; fix the leak or raise the limit."),
    # --- every gate
    "drift.no_baseline": Code(Failure.GENERAL, _W, "No baseline: cannot judge", "After validation: `trimtab gates approve baseline REPORT --by NAME --reason WHY`, then `trimtab gates baseline promote -r REPORT --approval approval.dsse.json`."),
    "supply_chain.sbom_missing": Code(_X, _C, _SBOM, "`trimtab gates sbom` writes it; repair the pip environment if that fails."),
    "supply_chain.sbom_mismatch": Code(_X, _C, _SBOM, "Update dependency information: `trimtab gates sbom`, then sign it again."),
    "supply_chain.sbom_unhashed": Code(_X, _C, _SBOM, "Every component carries a SHA-256: reinstall packages that have no RECORD."),
    "supply_chain.package_altered": Code(_X, _C, _SBOM, "An installed file differs from its RECORD: reinstall the package from the lock file."),
    "supply_chain.unsigned": Code(_X, _C, _SIGN, _RESIGN),
    "supply_chain.signature_wrong": Code(_X, _C, _SIGN, _RESIGN),
    "supply_chain.signature_stale": Code(_X, _C, _SIGN, "The file changed after it was signed: find out why, then sign again."),
    "supply_chain.key_untrusted": Code(_X, _C, _SIGN, "Only keys in keys/trust.json count: sign with one, or have the security team add it."),
    "supply_chain.key_exposed": Code(_X, _C, _SIGN, "Others can read the private key: rotate it (`trimtab gates keys rotate`)."),
    "supply_chain.provenance_wrong": Code(_X, _C, _PROV, "Verify the build environment and the git information, then build and sign again."),
    "supply_chain.git_dirty": Code(_X, _C, _PROV, "Commit or remove the changes, then build and sign from the clean tree."),
    "supply_chain.vulnerability": Code(_X, _W, _VULN, "Update the dependency and assess the impact, or ignore it in the policy with a reason and a date."),
    "supply_chain.vulnerability_critical": Code(_X, _C, _VULN, "Update the dependency at once and assess the impact; the security team is called immediately."),
    "supply_chain.advisories_stale": Code(_X, _W, "Advisory snapshot is old", "Bring the PyPI export of osv.dev (all.zip) here, then `trimtab gates advisories refresh all.zip`."),
    "supply_chain.pin_broken": Code(_X, _C, "Version outside its pin", "Install a version inside the pin, or change pins.txt with the owner's consent."),
    "supply_chain.licence_denied": Code(_Q, _C, "Policy violation", "Replace the package, or allow its licence in the policy with the owner's consent."),
    "supply_chain.licence_unknown": Code(_Q, _L, "Licence not stated", "State it in the policy under `supply_chain.licences_known`."),
    "supply_chain.requirement_broken": Code(_X, _C, "Inconsistent requirements", "`trimtab gates pip-check` lists them; reinstall from the lock file."),
    # --- docs
    "docs.link_dead": Code(_O, _L, "Broken link", "Correct the address or remove the link."),
    "docs.anchor_dead": Code(_O, _L, "Broken link", "Name an existing heading."),
    "docs.command_unknown": Code(_O, _L, "Outdated documentation", "The command does not exist (any more): update the page."),
    "docs.migration_guide_missing": Code(_O, _L, "Missing migration guide", "Describe the step in SCHEMA_MIGRATION_GUIDE."),
    "docs.unclear": Code(_O, _L, "Unclear procedure", "Finish the section: it is empty or says it is still to be written."),
    # --- process
    "process.template_missing": Code(_Q, _W, "PR template incomplete", "Add .github/pull_request_template.md with the checklist."),
    "process.checklist_incomplete": Code(_Q, _W, "PR template incomplete", "Complete the PR checklist items."),
    "process.approval_missing": Code(_Q, _W, "Missing approvals", "Request the appropriate reviews."),
    "process.approval_stale": Code(_Q, _W, "Missing approvals", "The approval is for another commit or by the author: request a new review."),
    "process.policy_violation": Code(_Q, _W, "Policy violation", "Address the policy: add the file that it names."),
    "process.workflow_invalid": Code(_Q, _W, "Workflow failure", "Fix the workflow configuration."),
    "process.workflow_unsafe": Code(_Q, _W, "Workflow failure", "Fix the workflow configuration: a gate that cannot fail is no gate."),
    # --- every gate
    "gates.not_judged": Code(Failure.GENERAL, _C, "❌ A gate could not be judged", "Correct what the message names, then run the gates again."),
    "gates.gate_failed": Code(Failure.GENERAL, _C, "❌ A gate could not be judged", "Correct or restore what the gate could not read, then run the gates again."),
    "gates.verdict_stale": Code(Failure.GENERAL, _C, "❔ The verdict is unknown", "See the service's log for why the project cannot be judged; `trimtab act gates.run` tries again."),
    "gates.no_evidence": Code(Failure.GENERAL, _C, "No evidence", "Add the evidence that the policy requires for this gate."),
}  # fmt: skip


def finding(
    code: str, path: str, detail: str, *, fix: str = "", severity: Severity | None = None
) -> Finding:
    """Return the finding of that code.

    Args:
        code: A key of `CODES`.
        path: JSON path or file path.
        detail: The particulars, appended to the contract's words.
        fix: A more exact fix than the table's.
        severity: Another severity than the table's, where the policy or the size of the matter decides.
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
