"""Tasks that write a report to S3 and link it in Airflow's UI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseOperatorLink

WEEK = 7 * 24 * 60 * 60
"""Seconds for which a signed address opens the report; S3 signs for no longer."""


class ReportLink(BaseOperatorLink):
    """Leads from a task to the report it wrote."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        """The address; Airflow asks for it once, in the process that ran the task."""
        return str(operator.report_address)


class ReportOperator(PythonOperator):
    """A PythonOperator that links a report in the UI, which its callable wrote to S3.

    Airflow keeps the link for good and shows it to all who may see the run. So it is no signed address where
    there is another way, but one at which the reader signs in:

    - a page that shows the report, if there is one;
    - else the object in the AWS console;
    - else, where the connection has an endpoint that is not AWS's and so has no console, an address signed
      for a week.

    Args:
        report_field: which field of the dictionary that the callable returns holds the report's `s3://`
            location; there is no link if it is None.
        report_page: address of a page that shows the report; passed over unless it begins with `http://` or
            `https://`. (templated)
        aws_conn_id: the connection by which the report was written.
        kwargs: as for `PythonOperator`.
    """

    template_fields: Sequence[str] = (*PythonOperator.template_fields, "report_page")
    operator_extra_links = (ReportLink(),)

    def __init__(
        self,
        *,
        report_field: str,
        report_page: str = "",
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.report_field = report_field
        self.report_page = report_page
        self.aws_conn_id = aws_conn_id
        self.report_address = ""

    def execute(self, context: Any) -> Any:
        """Run the callable and note where the report is."""
        result = super().execute(context)
        if location := result[self.report_field]:
            self.report_address = self._address(location)
            self.log.info("The report: %s", location)
        return result

    def _address(self, location: str) -> str:
        if urlsplit(self.report_page).scheme in {"http", "https"}:
            return self.report_page
        hook = S3Hook(aws_conn_id=self.aws_conn_id)
        bucket, key = hook.parse_s3_url(location)
        endpoint = hook.conn_config.endpoint_url
        if endpoint and not _is_of_aws(endpoint):
            signed = hook.generate_presigned_url(
                "get_object", params={"Bucket": bucket, "Key": key}, expires_in=WEEK
            )
            return signed or ""
        region = hook.conn_region_name
        where = f"https://{region}.console.aws.amazon.com/s3/object/{bucket}"
        return f"{where}?region={region}&prefix={quote(key, safe='')}"


def _is_of_aws(endpoint: str) -> bool:
    """Whether an endpoint is AWS itself, as the address of a VPC endpoint is."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
