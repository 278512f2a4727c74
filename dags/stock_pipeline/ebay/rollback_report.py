"""Tells what a rollback of the ebay table did, and what it could not undo."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from stock_pipeline.ebay.rollback import Rollback
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import EBAY
from stock_pipeline.messages import Event, Message, to_look_at

DAG_ID = "rollback_ebay"


class RollbackReport(BaseModel):
    """One run of `rollback_ebay`, as it is stored in the bucket.

    Attributes:
        rollback: what was put back, with figures by store; None if it could not be planned.
        reason: why, in the words of the person who started it.
        by: who that was.
        rolled_back: whether the table was put back.
        upload_files: keys of the files that tell eBay.
        upload_zip: key of the zip of them all.
        cannot_be_undone: key of the CSV of listings the older table does not know; None if there are none.
        failed_tasks: names of the tasks that failed.
        concerns: sentences on what needs attention; empty if all is well.
    """

    run_date: date
    run_id: str
    dry_run: bool = False
    rollback: Rollback | None = None
    reason: str
    by: str
    rolled_back: bool = False
    upload_files: list[str] = []
    upload_zip: str | None = None
    cannot_be_undone: str | None = None
    failed_tasks: list[str] = []
    concerns: list[str] = []

    def model_post_init(self, _context: Any) -> None:
        """Work out what needs a person."""
        self.concerns = []
        if self.rollback and not self.dry_run:
            day = self.rollback.table_date
            if gone := self.rollback.counts()["gone"]:
                where = f"; they are in {self.cannot_be_undone}" if self.cannot_be_undone else ""
                self.concerns.append(
                    f"{gone:,} listings were not in the table of {day}, so eBay keeps what it was sent of "
                    f"them since{where}"
                )
            if self.rollback.kept:
                self.concerns.append(f"{', '.join(self.rollback.kept)}: not there on {day}, left as it is")
        self.concerns += [f"task {name} failed: see its log" for name in self.failed_tasks]

    def table_message(self) -> Message:
        """What the topic receives once the table is back and the upload files are written."""
        return self._message(Event.TABLE_ROLLED_BACK, EBAY.name, "success", self.upload_zip, self._what())

    def message(self, location: str | None) -> Message:
        """What the topic receives at the end of the run."""
        text = self._what()
        text += to_look_at(self.concerns)
        status = "failed" if self.concerns else "success"
        return self._message(Event.RUN_FINISHED, DAG_ID, status, location, text)

    def _message(self, event: Event, subject: str, status: str, report: str | None, text: str) -> Message:
        return Message(
            event=event,
            run_date=self.run_date,
            subject=subject,
            status=status,
            counts=self.rollback.counts() if self.rollback else {},
            report=report,
            text=text,
        )

    def _what(self) -> str:
        if self.rollback is None:
            return "The ebay table was not rolled back"
        counts = self.rollback.counts()
        if self.rolled_back:
            done = "is rolled back"
        else:
            done = "would be rolled back (dry run)" if self.dry_run else "was not wholly rolled back"
        stores = "; ".join(
            f"{entry.store} {entry.changed:,}/{entry.back:,}/{entry.gone:,}" for entry in self.rollback.stores
        )
        return (
            f"The ebay table {done} to {self.rollback.table_date} in {counts['stores']} stores: "
            f"{counts['changed']:,} listings change, {counts['back']:,} come back, {counts['gone']:,} go "
            f"({stores}). Reason, given by {self.by}: {self.reason}"
        )


def write_report(lake: Lake, report: RollbackReport) -> str:
    """Write the report of a run; returns its location."""
    key = locations.run_report_key(DAG_ID, report.run_date, report.run_id)
    lake.put(key, report.model_dump_json(indent=2).encode())
    return lake.url(key)
