"""Tasks that write a report to S3 and link it in Airflow's UI."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseOperatorLink


class ReportLink(BaseOperatorLink):
    """Leads from a task to the report it wrote."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        """The address; Airflow asks for it once, in the process that ran the task."""
        return operator.report_address


class ReportOperator(PythonOperator):
    """A PythonOperator that links a report in the UI, which its callable wrote to S3.

    Args:
        report_field: which field of the dictionary that the callable returns holds the report's `s3://`
            location; there is no link if it is None.
        aws_conn_id: the connection by which the report was written. With an endpoint of its own the link is
            the object's address there, else it leads to the object in the AWS console.
        kwargs: as for `PythonOperator`.
    """

    operator_extra_links = (ReportLink(),)

    def __init__(self, *, report_field: str, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_field = report_field
        self.aws_conn_id = aws_conn_id
        self.report_address = ""

    def execute(self, context: Any) -> Any:
        """Run the callable and note where the report is."""
        result = super().execute(context)
        if location := result[self.report_field]:
            self.report_address = self._address(location)
            self.log.info("The report: %s", self.report_address)
        return result

    def _address(self, location: str) -> str:
        hook = S3Hook(aws_conn_id=self.aws_conn_id)
        bucket, key = hook.parse_s3_url(location)
        if endpoint := hook.conn_config.endpoint_url:
            return f"{endpoint.rstrip('/')}/{bucket}/{quote(key, safe='/=')}"
        region = hook.conn_region_name
        where = f"https://{region}.console.aws.amazon.com/s3/object/{bucket}"
        return f"{where}?region={region}&prefix={quote(key, safe='')}"
