"""Athena statements made for a plan: such as can be repeated, and such as check."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.amazon.aws.hooks.glue_catalog import GlueCatalogHook
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.sdk import XComArg
from airflow.sdk.exceptions import AirflowFailException


class AthenaPlanOperator(AthenaOperator):
    """Runs a statement that is made for a plan.

    The statement, and every other templated field, knows the plan as `plan`, so that it names neither the
    task it comes from nor an XCom. The plan itself is data: nothing in it is rendered.

    Args:
        plan: what another task returned. (templated, in that it may be an XComArg)
        kwargs: as for `AthenaOperator`.
    """

    # Fields are rendered in this order, and the others need the plan.
    template_fields: Sequence[str] = ("plan", *AthenaOperator.template_fields)

    def __init__(self, *, plan: XComArg | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a field with the plan at hand; of the plan itself, only fetch it."""
        if content is self.plan:
            return content.resolve(context) if isinstance(content, XComArg) else content
        known: Any = {**context, "plan": self.plan}
        return super().render_template(content, known, jinja_env, seen_oids)


class AthenaReplaceTableOperator(AthenaPlanOperator):
    """Runs a `CREATE TABLE AS` that may run again.

    Athena refuses to create a table that exists, so the catalog entry that an earlier attempt left is dropped
    first. Its files stay: name the location by the try number, because Athena refuses one that is not empty.

    Args:
        table: the table that the statement creates. (templated)
        kwargs: as for `AthenaPlanOperator`.
    """

    template_fields: Sequence[str] = (*AthenaPlanOperator.template_fields, "table")

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table

    def execute(self, context: Any) -> str | None:
        """Drop the table's entry if there is one, then run the statement."""
        glue: Any = GlueCatalogHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name).conn
        try:
            glue.delete_table(DatabaseName=self.database, Name=self.table)
            self.log.info("Dropped %s, which an earlier attempt left", self.table)
        except glue.exceptions.EntityNotFoundException:
            pass
        return super().execute(context)


class AthenaCheckOperator(AthenaPlanOperator):
    """Runs a statement that checks data, and fails at once if a check does not pass.

    The statement returns a row for each check. A column named `passed` says whether it did. A column named
    `stops`, if there is one, says whether a failure stops the run; any other is left to later tasks. The rest
    of the columns are for people and appear in the log and in the message of a failure.

    Returns the rows as dictionaries of text; the XCom `checks` has them also if one did not pass.
    """

    def execute(self, context: Any) -> list[dict[str, str]]:  # type: ignore[override]
        """Run the statement, log each check.

        Raises:
            AirflowFailException: a check that stops the run did not pass, or there was none.
        """
        query_id = super().execute(context)
        rows = self._rows(str(query_id))
        failed = []
        for row in rows:
            level = logging.INFO
            if row["passed"] != "true":
                stops = row.get("stops", "true") == "true"
                level = logging.ERROR if stops else logging.WARNING
                if stops:
                    failed.append(row)
            self.log.log(level, "%s", _line(row))
        context["ti"].xcom_push(key="checks", value=rows)
        if not rows:
            raise AirflowFailException("The statement returned no check: nothing is known to be right")
        if failed:
            raise AirflowFailException("Not passed: " + "; ".join(_line(row) for row in failed))
        return rows

    def _rows(self, query_id: str) -> list[dict[str, str]]:
        athena: Any = self.hook.get_conn()
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        lines = [
            [cell.get("VarCharValue", "") for cell in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]
        return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def _line(row: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())
