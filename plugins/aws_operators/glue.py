"""Registers partitions in the Glue catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypedDict, cast

from airflow.providers.amazon.aws.hooks.glue_catalog import GlueCatalogHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk import XComArg

BATCH = 100
"""How many partitions one Glue batch call takes."""


class PartitionInput(TypedDict):
    """A partition to register: its key values in order, and the `s3://` folder it lies in."""

    values: list[str]
    location: str


class GluePartitionsError(RuntimeError):
    """Glue did not take some partitions; the message names each with Glue's reason."""


class GluePartitionsOperator(AwsBaseOperator[GlueCatalogHook]):
    """Makes sure that partitions are registered, each with the location given.

    The provider's `GlueCatalogCreatePartitionOperator` takes one partition a task, does not render
    `partition_input`, and leaves a partition that exists as it is, even where it points somewhere else. This
    one works in batches, may run any number of times, and mends a partition whose location or format differs
    from the table's.

    Args:
        database: the Glue database. (templated)
        table: the table; a partition takes over its columns and formats. (templated)
        partitions: what to register, as `PartitionInput`; None entries are passed over. As an XComArg of
            mapped tasks it may also be one alone or None, because that is what Airflow makes of one task's
            value and of none. (templated)
        kwargs: as for every AWS operator.

    Returns the values of the partitions that were created or changed.
    """

    aws_hook_class = GlueCatalogHook
    template_fields: Sequence[str] = aws_template_fields("database", "table", "partitions")

    def __init__(
        self,
        *,
        database: str,
        table: str,
        partitions: Iterable[PartitionInput | None] | PartitionInput | XComArg | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.table = table
        self.partitions = partitions

    def execute(self, context: Any) -> list[list[str]]:  # noqa: ARG002
        """Create what is missing, then update what differs.

        Raises:
            GluePartitionsError: Glue refused some; all others are registered all the same.
        """
        glue: Any = self.hook.conn
        wanted = self._wanted()
        template = self._storage_of_table(glue)
        names = {"DatabaseName": self.database, "TableName": self.table}
        done: list[list[str]] = []
        refused: list[str] = []
        for batch in _batches(wanted):
            inputs = {tuple(entry["values"]): _input(entry, template) for entry in batch}
            answer = glue.batch_create_partition(**names, PartitionInputList=list(inputs.values()))
            existing = self._sort_out(answer.get("Errors", []), refused, expected="AlreadyExistsException")
            stale = self._differing(glue, names, {values: inputs[values] for values in existing})
            for values in stale:
                self.log.info("Partition %s of %s changes", "/".join(values), self.table)
            if stale:
                answer = glue.batch_update_partition(
                    **names,
                    Entries=[
                        {"PartitionValueList": list(values), "PartitionInput": inputs[values]}
                        for values in stale
                    ],
                )
                self._sort_out(answer.get("Errors", []), refused)
            failed = {line.split(":", 1)[0] for line in refused}
            done += [
                list(values)
                for values in inputs
                if (values not in existing or values in stale) and "/".join(values) not in failed
            ]
        self.log.info(
            "%s.%s: %d partitions wanted, %d created or changed",
            self.database,
            self.table,
            len(wanted),
            len(done),
        )
        if refused:
            raise GluePartitionsError(f"{self.database}.{self.table}: " + "; ".join(refused))
        return done

    def _wanted(self) -> list[PartitionInput]:
        given = cast("Any", self.partitions)  # rendered by now, so no XComArg
        return [entry for entry in (given if isinstance(given, list | tuple) else [given]) if entry]

    def _storage_of_table(self, glue: Any) -> dict[str, Any]:
        table = glue.get_table(DatabaseName=self.database, Name=self.table)["Table"]
        return table["StorageDescriptor"]

    def _differing(
        self, glue: Any, names: dict[str, str], inputs: dict[tuple[str, ...], dict[str, Any]]
    ) -> list[tuple[str, ...]]:
        """Which of the registered partitions are not as they should be."""
        if not inputs:
            return []
        found = glue.batch_get_partition(
            **names, PartitionsToGet=[{"Values": list(values)} for values in inputs]
        )
        storage = {tuple(entry["Values"]): entry["StorageDescriptor"] for entry in found["Partitions"]}
        return [
            values
            for values, wanted in inputs.items()
            if any(
                storage.get(values, {}).get(field) != value
                for field, value in wanted["StorageDescriptor"].items()
            )
        ]

    @staticmethod
    def _sort_out(
        errors: Iterable[dict[str, Any]], refused: list[str], expected: str = ""
    ) -> list[tuple[str, ...]]:
        """Part the errors of a batch: values of those expected are returned, the rest noted in `refused`."""
        passed = []
        for error in errors:
            values = tuple(error.get("PartitionValues") or error.get("PartitionValueList") or ())
            detail = error["ErrorDetail"]
            if detail["ErrorCode"] == expected:
                passed.append(values)
            else:
                refused.append(f"{'/'.join(values)}: {detail['ErrorCode']} {detail.get('ErrorMessage', '')}")
        return passed


def _input(entry: PartitionInput, storage: dict[str, Any]) -> dict[str, Any]:
    fields = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")
    kept = {field: storage[field] for field in fields if field in storage}
    return {"Values": entry["values"], "StorageDescriptor": {**kept, "Location": entry["location"]}}


def _batches(entries: list[PartitionInput]) -> Iterator[list[PartitionInput]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, BATCH)):
        yield batch
