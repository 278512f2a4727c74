"""One query execution: its request, its state, and how the API describes it."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

from local_aws.athena.engine import Outcome, Session
from local_aws.athena.results import Results

ENGINE_VERSION = "Athena engine version 3"
FINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_USER_ERROR = 2  # AthenaError.ErrorCategory
_GENERIC_USER_ERROR = 1006  # AthenaError.ErrorType


@dataclasses.dataclass
class Execution:
    """A query execution; its state changes only through the methods, under a lock.

    Attributes:
        query_id: the id the API gave.
        sql: the statement as sent.
        database: what unqualified names belong to.
        workgroup: where it runs.
        output: the S3 folder of its results, ending with a slash.
        enforced_output: whether the workgroup insists on that folder, so that a CTAS may name no other.
        parameters: SQL literals for `?` placeholders.
        region: the catalog's and bucket's region, from the request's signature.
        request: the request's contents, to compare a repeated ClientRequestToken with.
    """

    query_id: str
    sql: str
    database: str
    workgroup: str
    output: str
    enforced_output: bool
    parameters: tuple[str, ...]
    region: str
    request: dict[str, Any]
    state: str = "QUEUED"
    statement_type: str = "DML"
    substatement_type: str = ""
    reason: str = ""
    location: str = ""
    manifest: str = ""
    outcome: Outcome = dataclasses.field(default_factory=Outcome)
    submitted: float = dataclasses.field(default_factory=time.time)
    started: float = 0.0
    completed: float = 0.0
    session: Session | None = None
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    @property
    def results(self) -> Results:
        """The rows, empty until the query succeeded."""
        return self.outcome.results

    def start(self) -> bool:
        """Go from QUEUED to RUNNING; False if it was stopped before it began."""
        with self._lock:
            if self.state != "QUEUED":
                return False
            self.state, self.started = "RUNNING", time.time()
            return True

    def attach(self, session: Session) -> None:
        """Tie the running session to the execution, so that `stop` reaches it, even one sent just before."""
        with self._lock:
            self.session = session
            if self.state == "CANCELLED":
                session.stop()

    def finish(self, state: str, reason: str = "") -> None:
        """End the execution, unless it has ended already (a stopped query stays CANCELLED)."""
        with self._lock:
            self.session = None
            if self.state not in FINAL_STATES:
                self.state, self.reason, self.completed = state, reason, time.time()

    def stop(self) -> None:
        """Cancel the query if it has not ended."""
        with self._lock:
            if self.state in FINAL_STATES:
                return
            self.state, self.reason, self.completed = "CANCELLED", "Query cancelled by user", time.time()
            if self.session is not None:
                self.session.stop()

    def describe(self) -> dict[str, Any]:
        """Spell the execution as GetQueryExecution's QueryExecution; times are epoch seconds."""
        with self._lock:
            end = self.completed or time.time()
            status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
            if self.completed:
                status["CompletionDateTime"] = self.completed
            if self.reason:
                status["StateChangeReason"] = self.reason
            if self.state == "FAILED":
                status["AthenaError"] = {
                    "ErrorCategory": _USER_ERROR,
                    "ErrorType": _GENERIC_USER_ERROR,
                    "Retryable": False,
                    "ErrorMessage": self.reason,
                }
            statistics: dict[str, Any] = {
                "EngineExecutionTimeInMillis": _milliseconds(self.started, end),
                "DataScannedInBytes": self.outcome.scanned,
                "TotalExecutionTimeInMillis": _milliseconds(self.submitted, end),
                "QueryQueueTimeInMillis": _milliseconds(self.submitted, self.started or end),
                "ServiceProcessingTimeInMillis": 0,
                "ResultReuseInformation": {"ReusedPreviousResult": False},
            }
            if self.manifest:
                statistics["DataManifestLocation"] = self.manifest
            return {
                "QueryExecutionId": self.query_id,
                "Query": self.sql,
                "StatementType": self.statement_type,
                "SubstatementType": self.substatement_type,
                "ResultConfiguration": {"OutputLocation": self.location},
                "QueryExecutionContext": {"Database": self.database, "Catalog": "awsdatacatalog"},
                "Status": status,
                "Statistics": statistics,
                "WorkGroup": self.workgroup,
                "EngineVersion": {
                    "SelectedEngineVersion": ENGINE_VERSION,
                    "EffectiveEngineVersion": ENGINE_VERSION,
                },
                **({"ExecutionParameters": list(self.parameters)} if self.parameters else {}),
            }


def _milliseconds(start: float, end: float) -> int:
    return max(0, round((end - start) * 1000)) if start else 0
