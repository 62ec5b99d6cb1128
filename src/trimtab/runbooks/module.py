"""Builds the runbooks and checks that the alert rules name existing pages."""

from collections.abc import Collection

from trimtab.infra.shipped import shipped
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.monitoring.checks import compile_check
from trimtab.monitoring.proofs import check_proof
from trimtab.monitoring.service import Monitoring
from trimtab.runbooks.lint import PageChecks
from trimtab.runbooks.revisions import Revisions
from trimtab.runbooks.service import Runbooks


def build(catalog: Catalog, monitoring: Monitoring, provided: Collection[str] = ()) -> Module:
    """Return the shipped library.

    Args:
        catalog: What the pages may name.
        monitoring: The alerts that the pages may name, and whose rules name the pages.
        provided: What is configured of that which pages need.
    """
    checks = PageChecks(catalog, monitoring.alert_names, compile_check, check_proof)
    runbooks = Runbooks.load(shipped("library"), checks, provided)
    # Rules name runbooks and runbooks name alerts: each is checked when both are read.
    monitoring.check({*runbooks.library.runbooks, *runbooks.library.procedures})
    return Module("runbooks", runbooks)


def build_revisions() -> Module:
    """Return the revision history of the shipped pages."""
    return Module("runbook revisions", Revisions(shipped("library")))
