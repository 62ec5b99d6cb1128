"""Release gates: checks of benchmark reports and projects before a release.

A *case* (a report with its project directory) passes through every gate in order. Each gate
returns findings; the verdict is pass, review or block, with the team, the deadlines and the guide
of each finding.

    records     Finding, GateResult, GateVerdict
    codes       table of all findings, with message and fix
    matrix      severity, deadlines, teams, guides
    policy      settings that a project may change
    run         runs all gates and returns a verdict
    signing     ed25519 over in-toto statements
    schema/ datasets benchmark/ plausibility drift supply_chain/ docs_gate process: one gate each
"""
