"""Lets one run at a time work on a table, by a lock that is in the bucket.

The lock of a table is the object `locks/<table>.json`. S3 decides who gets it: a conditional write makes the
object only if there is none, and replaces it only if it still is what was read. It names the run that owns
it, so all tasks of a run share it, and a run that is retried or cleared finds its own lock and goes on.

A crash blocks no one for long. A lock may be taken over once it has lapsed, which each use of it puts off,
and at once when its owner's run is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError
from pydantic import BaseModel, ValidationError

from stock_pipeline.errors import NeedsPersonError, TableLockedError
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake, is_missing

log = logging.getLogger(__name__)

LEASE = timedelta(hours=3)
"""How long a lock holds without being used. Longer than the longest statement with all its retries."""

RENEWED_AFTER = LEASE / 6
"""A lock used so long after it was written is written again, to hold for another `LEASE`."""

ATTEMPTS = 10
LONDON = ZoneInfo("Europe/London")
LOST = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404", "412", "409"}
"""Answers to a conditional write or delete which say that the lock is no longer what was read."""

READ, PUBLISHED, ROLLED_BACK, PRUNED = "being read", "being published", "being rolled back", "being pruned"
"""What a run holds a table for, as the sentence to others has it."""


class Owner(BaseModel, frozen=True):
    """A run of a DAG."""

    dag_id: str
    run_id: str

    def __str__(self) -> str:
        """As people are told: `weekly_store, run …`."""
        return f"{self.dag_id}, run {self.run_id}"


class Lock(BaseModel):
    """A table's lock, as it is stored in the bucket.

    Attributes:
        table: the table's name.
        owner: whose it is.
        purpose: what the owner does with the table, such as `being published`.
        since: when the owner took it.
        until: when it lapses unless the owner uses it before.
    """

    table: str
    owner: Owner
    purpose: str
    since: datetime
    until: datetime

    def __str__(self) -> str:
        """The sentence for those who have to wait."""
        since, until = (moment.astimezone(LONDON) for moment in (self.since, self.until))
        return (
            f"{self.table} is {self.purpose} by {self.owner}, since {since:%Y-%m-%d %H:%M}, until at most "
            f"{until:%Y-%m-%d %H:%M} (London time)"
        )


def _never(_: Owner) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TableLocks:
    """The locks as one run sees them.

    Attributes:
        lake: the bucket.
        owner: the run.
        is_over: whether another run is over, so that nothing of it can still work on a table.
        now: the time, with its zone.
    """

    lake: Lake
    owner: Owner
    is_over: Callable[[Owner], bool] = _never
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def hold(self, tables: Mapping[str, str]) -> None:
        """Make sure that this run has the locks of tables: take, renew or just find them.

        All of them or none: what was free and is taken here is given back if another one is not to be had.

        Args:
            tables: for each table what is done with it.

        Raises:
            TableLockedError: another run has one of them.
            NeedsPersonError: the object in place of a lock is not one.
        """
        taken: set[str] = set()
        try:
            # In one order, so that two runs never wait for each other.
            for table, purpose in sorted(tables.items()):
                taken |= self._hold(table, purpose)
        except TableLockedError:
            self.give_back(*taken)
            raise

    @contextmanager
    def held(self, tables: Mapping[str, str]) -> Iterator[None]:
        """Hold locks for as long as the block takes."""
        self.hold(tables)
        try:
            yield
        finally:
            self.give_back(*tables)

    def give_back(self, *tables: str) -> None:
        """Remove this run's locks of tables; those of others, and those that are gone, are left alone."""
        for table in tables:
            while found := self._read(table):
                lock, tag = found
                if lock.owner != self.owner:
                    log.info("The lock stays: %s", lock)
                    break
                if self._changed(self.lake.s3.delete_object, table, IfMatch=tag):
                    log.info("Gave the lock of %s back", table)
                    break

    def _hold(self, table: str, purpose: str) -> set[str]:
        """Hold one lock; returns the table if it was not this run's before."""
        for _ in range(ATTEMPTS):
            found, now = self._read(table), self.now()
            since, condition = now, {"IfNoneMatch": "*"}
            own = found is not None and found[0].owner == self.owner
            if found:
                lock, tag = found
                condition = {"IfMatch": tag}
                if own and lock.purpose == purpose and now < lock.until - LEASE + RENEWED_AFTER:
                    return set()
                if own:
                    since = lock.since
                elif now < lock.until and not self.is_over(lock.owner):
                    raise TableLockedError(str(lock))
                else:
                    log.warning("Took the lock over, for its owner is gone: %s", lock)
            new = Lock(table=table, owner=self.owner, purpose=purpose, since=since, until=now + LEASE)
            body = new.model_dump_json(indent=2).encode()
            if self._changed(self.lake.s3.put_object, table, Body=body, **condition):
                return set() if own else {table}
        raise TableLockedError(f"The lock of {table} changes hands all the time; try again")

    def _read(self, table: str) -> tuple[Lock, str] | None:
        """A table's lock and its entity tag; None if there is none."""
        key = locations.lock_key(table)
        try:
            answer = self.lake.s3.get_object(Bucket=self.lake.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        try:
            return Lock.model_validate_json(answer["Body"].read()), answer["ETag"]
        except ValidationError as error:
            raise NeedsPersonError(
                f"{self.lake.url(key)} is not a lock that can be read: if no run works on {table}, "
                "delete that file and start again"
            ) from error

    def _changed(self, call: Callable[..., Any], table: str, **arguments: Any) -> bool:
        """Make a conditional call; returns False if the lock was no longer what was read."""
        try:
            call(Bucket=self.lake.bucket, Key=locations.lock_key(table), **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in LOST:
                return False
            raise
        return True
