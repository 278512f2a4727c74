"""Registers partitions in the Glue catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from airflow.providers.amazon.aws.hooks.glue_catalog import GlueCatalogHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk import XComArg

from aws_operators.glue_partitions import PartitionInput, ensure_partitions


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
        given = cast("Any", self.partitions)  # rendered by now, so no XComArg
        wanted = [entry for entry in (given if isinstance(given, list | tuple) else [given]) if entry]
        return ensure_partitions(cast("Any", self.hook.conn), self.database, self.table, wanted)
