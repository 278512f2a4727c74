"""Keeps what is published of the suppliers and stores that fail the audit, so that they stop no one else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from stock_pipeline.ebay.plan import staging
from stock_pipeline.lake.lake import Lake

Check = Mapping[str, str]
"""A row of the audit, all text: `check_name`, `subject`, `figure`, `bound`, `passed`, `stops`, `listings`,
`affected`."""

MOVEMENTS = {
    "to_zero": "would go to zero",
    "from_zero": "would come back from zero",
    "changed": "would change",
    "gone": "would leave the table",
}


def failed(checks: Iterable[Check], kind: Literal["supplier", "store"]) -> dict[str, str]:
    """Why each supplier or store does not pass the audit, as sentences by its name; empty if all pass."""
    reasons: dict[str, list[str]] = {}
    for row in checks:
        name = row["check_name"]
        if name.endswith(f"_by_{kind}") and row["passed"] != "true":
            reasons.setdefault(row["subject"], []).append(_reason(name.removesuffix(f"_by_{kind}"), row))
    return {subject: ", ".join(found) for subject, found in reasons.items()}


def plan_carry_over(
    lake: Lake, *, plan: Mapping[str, Any], checks: Sequence[Check], run_date: date, run_id: str
) -> dict[str, Any] | None:
    """Plan the table in which suppliers in trouble keep their published rows.

    Args:
        lake: the bucket and the catalog.
        plan: what `plan_table` returned.
        checks: the audit of the table made by it.
        run_date: the day the table is for.
        run_id: of the run.

    Returns:
        The plan with another staging table, and besides `replaced_table`, the staging table whose place it
        takes, and `carried_over`, why each supplier keeps its rows; None if none has to.
    """
    carried_over = {**failed(checks, "supplier"), **plan["lost"]}
    if not carried_over:
        return None
    return {
        **plan,
        # The second audit asks nothing more of them.
        "snapshots": [entry for entry in plan["snapshots"] if entry["supplier"] not in carried_over],
        "carried_over": carried_over,
        "replaced_table": plan["staging_table"],
        **staging(lake, run_date, run_id, "carry_over"),
    }


def _reason(check: str, row: Check) -> str:
    if check == "snapshot_empty":
        return "its snapshot went while the table was made"
    what = MOVEMENTS[check.removeprefix("share_")]
    if row["affected"] == row["listings"]:
        return f"all its {int(row['listings']):,} published listings {what}"
    return f"{float(row['figure']):.0%} of its published listings {what} (limit {float(row['bound']):.0%})"
