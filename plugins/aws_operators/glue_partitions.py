"""Makes sure that partitions are registered in the Glue catalog; plain boto3, for operators and scripts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

log = logging.getLogger(__name__)

BATCH = 100
"""How many partitions one Glue batch call takes."""

STORAGE_FIELDS = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")
"""What a partition takes over from its table."""


class PartitionInput(TypedDict):
    """A partition to register: its key values in order, and the `s3://` folder it is in."""

    values: list[str]
    location: str


class GluePartitionsError(RuntimeError):
    """Glue did not take some partitions; the message names each with Glue's reason."""


def ensure_partitions(
    glue: GlueClient, database: str, table: str, partitions: Sequence[PartitionInput]
) -> list[list[str]]:
    """Create the partitions that are missing, update those whose location or format differs.

    Returns:
        The values of the partitions that were created or changed.

    Raises:
        GluePartitionsError: Glue refused some; all others are registered all the same.
    """
    names = {"DatabaseName": database, "TableName": table}
    description: Any = glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
    storage = {field: description[field] for field in STORAGE_FIELDS if field in description}
    done: list[tuple[str, ...]] = []
    refused: dict[tuple[str, ...], str] = {}
    for batch in _batches(partitions):
        inputs = {
            tuple(entry["values"]): {
                "Values": entry["values"],
                "StorageDescriptor": {**storage, "Location": entry["location"]},
            }
            for entry in batch
        }
        existing = _create(glue, names, inputs, refused)
        stale = _update(glue, names, {values: inputs[values] for values in existing}, refused)
        done += [
            values
            for values in inputs
            if values not in refused and (values not in existing or values in stale)
        ]
    log.info(
        "%s.%s: %d partitions wanted, %d created or changed", database, table, len(partitions), len(done)
    )
    if refused:
        faults = "; ".join(f"{'/'.join(values)}: {reason}" for values, reason in refused.items())
        raise GluePartitionsError(f"{database}.{table}: {faults}")
    return [list(values) for values in done]


def _create(
    glue: Any,
    names: dict[str, str],
    inputs: dict[tuple[str, ...], Any],
    refused: dict[tuple[str, ...], str],
) -> set[tuple[str, ...]]:
    """Create partitions; returns those that exist already, notes those refused."""
    answer = glue.batch_create_partition(**names, PartitionInputList=list(inputs.values()))
    errors = {tuple(error["PartitionValues"]): error["ErrorDetail"] for error in answer.get("Errors", [])}
    existing = {
        values for values, detail in errors.items() if detail["ErrorCode"] == "AlreadyExistsException"
    }
    refused |= {values: _reason(detail) for values, detail in errors.items() if values not in existing}
    return existing


def _update(
    glue: Any,
    names: dict[str, str],
    inputs: dict[tuple[str, ...], Any],
    refused: dict[tuple[str, ...], str],
) -> set[tuple[str, ...]]:
    """Update the registered partitions that are not as they should be; returns those, notes those refused."""
    if not inputs:
        return set()
    wanted = [{"Values": list(values)} for values in inputs]
    found = glue.batch_get_partition(**names, PartitionsToGet=wanted)
    present = {tuple(entry["Values"]): entry["StorageDescriptor"] for entry in found["Partitions"]}
    stale = {
        values
        for values, entry in inputs.items()
        if any(
            present.get(values, {}).get(name) != value for name, value in entry["StorageDescriptor"].items()
        )
    }
    if not stale:
        return stale
    entries = [
        {"PartitionValueList": list(values), "PartitionInput": inputs[values]} for values in sorted(stale)
    ]
    answer = glue.batch_update_partition(**names, Entries=entries)
    refused |= {
        tuple(error["PartitionValueList"]): _reason(error["ErrorDetail"])
        for error in answer.get("Errors", [])
    }
    return stale


def _reason(detail: dict[str, str]) -> str:
    return f"{detail['ErrorCode']} {detail.get('ErrorMessage', '')}".strip()


def _batches(entries: Iterable[PartitionInput]) -> Iterator[list[PartitionInput]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, BATCH)):
        yield batch
