"""How the DAGs take the locks of tables: as a run of Airflow, which can ask whether another run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stock_airflow.run_helpers import open_lake
from stock_airflow.settings import LAKE, WAITING
from stock_pipeline.errors import NeedsPersonError, TableLockedError
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.publishing import Fence, refuse_of_others
from stock_pipeline.lake.table_lock import PUBLISHED, READ, Owner, TableLocks

if TYPE_CHECKING:
    from stock_pipeline.lake.tables import Table

UNDER_WAY = ["queued", "running"]
"""States of a run that may still work on a table. A cleared run is queued."""


def run_name(ti: Any) -> str:
    """The run as it signs what it publishes."""
    return str(_owner(ti))


def table_locks(lake: Lake, ti: Any) -> TableLocks:
    """The locks as the run of a task instance sees them."""

    def is_over(owner: Owner) -> bool:
        running: int = ti.get_dr_count(dag_id=owner.dag_id, run_ids=[owner.run_id], states=UNDER_WAY)
        return running == 0

    return TableLocks(lake, _owner(ti), is_over)


def lock_tables(
    *, bucket: str, database: str, tables: Mapping[str, str], params: Mapping[str, Any], ti: Any, **_: Any
) -> None:
    """Take the locks of tables for the whole run; of a dry run, only of those that it reads.

    Args:
        bucket: the bucket.
        database: the Glue database.
        tables: for each table what the run does with it.
        params: of the run.
        ti: the task instance.

    Raises:
        TableLockedError: another run has one of them; Airflow tries again.
    """
    dry = params["dry_run"]
    lake = open_lake(bucket, database)
    table_locks(lake, ti).hold({name: why for name, why in tables.items() if why == READ or not dry})


def locking(tables: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of an operator that takes the locks of tables, and waits for an hour if it must."""
    return {
        "python_callable": lock_tables,
        "op_kwargs": {**LAKE, "tables": tables},
        **WAITING,
    }


def lock_at_once(lake: Lake, ti: Any, tables: Mapping[str, str]) -> None:
    """Take the locks of tables or be refused, for runs that a person has started and waits for.

    Raises:
        NeedsPersonError: another run has one of them; the message says which, and what to do.
    """
    try:
        table_locks(lake, ti).hold(tables)
    except TableLockedError as error:
        raise NeedsPersonError(
            f"{error}. Nothing was changed. Wait for that run to end, or end it (mark it as failed), then "
            "look at the table and start this again"
        ) from error


def holder(lake: Lake, ti: Any, table: str, purpose: str) -> Callable[[], None]:
    """What makes sure, whenever it is called, that the run has the lock of a table."""
    locks = table_locks(lake, ti)
    return lambda: locks.hold({table: purpose})


def fence(lake: Lake, ti: Any, table: str, planned: Mapping[str, str]) -> Fence:
    """What the run publishes a table with; `planned` is what was published when it began."""
    return Fence(run_name(ti), planned, holder(lake, ti, table, PUBLISHED))


def hold_what_was_published(lake: Lake, ti: Any, table: Table, published: Iterable[Sequence[str]]) -> None:
    """Make sure that the run has a table's lock, and that what is published is what it published itself.

    Raises:
        TableLockedError: another run has the lock.
        PublishRefusedError: another run has published one of the partitions since.
    """
    holder(lake, ti, table.name, PUBLISHED)()
    refuse_of_others(lake, table, map(tuple, published), run_name(ti))


def give_back(lake: Lake, ti: Any, *tables: str) -> None:
    """Give the run's locks of tables back; those of other runs stay."""
    table_locks(lake, ti).give_back(*tables)


def _owner(ti: Any) -> Owner:
    return Owner(dag_id=ti.dag_id, run_id=ti.run_id)
