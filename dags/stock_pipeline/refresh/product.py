"""The mapping's file: which there is, what is in it, and what Athena is to make of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from stock_pipeline.errors import MissingTableError, RejectedFile
from stock_pipeline.feeds.mapping import product_table
from stock_pipeline.file_names import shown_name
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.staging import staging_prefix, staging_table_name
from stock_pipeline.lake.tables import PRODUCT
from stock_pipeline.lake.uploaded import quarantine_upload, recent_files
from stock_pipeline.refresh.judgement import check_mapping, count_mapping, rows_by_supplier
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.mapping_effects import MappingEffect, effects_of_mapping, last_accepted_codes
from stock_pipeline.refresh.mapping_file import MappingFile
from stock_pipeline.refresh.report import RefreshCheck, RefreshFile, RefreshReport
from stock_pipeline.refresh.staging import downloaded, stage_upload, upload_table
from stock_pipeline.spreadsheets.export import harmless_csv
from stock_pipeline.suppliers import SuppliersFile
from stock_pipeline.verdicts import SAMPLES, Verdict

DAG_ID = "monthly_product"
DAYS = 31
"""A run reads the newest file of so many days, so that what was uploaded in the month counts on the 1st."""


def looked_for(run_date: date) -> str:
    """Where a run looks for a file, for people."""
    folder = f"{locations.PRODUCT_FEEDS}{locations.day_prefix(run_date)}"
    return f"{folder} or the folders of the {DAYS - 1} days before it"


def find_file(lake: Lake, run_date: date) -> tuple[RefreshFile | None, dict[str, str]]:
    """The newest file of the month up to `run_date`, and by name what is not read, with the reason."""
    newest: RefreshFile | None = None
    not_read: dict[str, str] = {}
    for file in recent_files(lake, locations.PRODUCT_FEEDS, run_date, DAYS):
        shown = shown_name(file.key.removeprefix(locations.PRODUCT_FEEDS))
        if file.in_subfolder:
            not_read[shown] = "it is in a subfolder; upload it to the day's own"
        elif newest is None:
            newest = RefreshFile(key=file.key, size=file.size, last_modified=file.last_modified)
        else:
            newest.not_read.append(shown)
    return newest, not_read


def read_product(
    lake: Lake,
    *,
    suppliers: SuppliersFile,
    report: RefreshReport,
) -> dict[str, Any] | None:
    """Judge the mapping's file on its own and stage it; fills in the report.

    Args:
        lake: the bucket and the catalog.
        suppliers: for the limits, and which suppliers are known.
        report: of the mapping, with its file.

    Returns:
        What the statements in include/sql/product need to know: `upload_table`, `staging_table`,
        `staging_location`, `limits` and `accepted` (rows); None if the file is rejected.
    """
    file = report.file
    assert file is not None  # noqa: S101 - the mapping is read because there is a file
    rows_key = locations.refresh_rows_key(DAG_ID, report.run_date, report.subject)
    # The rows an earlier run of the day listed are another file's.
    lake.delete(rows_key)
    staging_table = staging_table_name(PRODUCT, report.run_date, report.run_id)
    try:
        with (
            downloaded(lake, file.key, file.size) as path,
            TemporaryDirectory(prefix="product_") as folder,
            ListReader() as reader,
        ):
            sent = reader.read_mapping_file(path)
            reader.close()
            _note(sent, suppliers, report)
            if sent.rejected.height:
                report.rejected_rows = rows_key
                lake.put(rows_key, harmless_csv(sent.rejected))
            judged = judge_mapping(lake, sent, suppliers)
            report.checks = judged.checks
            report.samples["parts_changed"] = [row for effect in judged.effects for row in effect.samples]
            upload = Path(folder) / "data.parquet"
            sent.mapping.match_to_schema(PRODUCT.schema).write_parquet(upload, compression="zstd")
            stage_upload(
                lake,
                name=upload_table(staging_table),
                paths=[upload],
                columns=PRODUCT.columns,
                table=PRODUCT,
            )
    except RejectedFile as error:
        report.verdict = Verdict.REJECTED
        report.reason = f"{file.name} is rejected: {error}"
        report.quarantined = quarantine_upload(lake, file.key, report.reason)
        return None
    return {
        "accepted": report.counts["accepted"],
        "upload_table": upload_table(staging_table),
        "staging_table": staging_table,
        "staging_location": lake.url(staging_prefix(staging_table)),
        "limits": suppliers.product_limits.model_dump(),
    }


@dataclass(frozen=True, slots=True)
class MappingJudgement:
    """The checks of a mapping, what it would do to the stock, and the mapping in force, if there is one."""

    checks: list[RefreshCheck]
    effects: list[MappingEffect]
    in_force: pl.DataFrame | None


def judge_mapping(lake: Lake, sent: MappingFile, suppliers: SuppliersFile) -> MappingJudgement:
    """Check a mapping against the one in force and what it would do to the last accepted lists.

    Raises:
        RejectedFile: no row can be used.
    """
    limits = suppliers.product_limits
    try:
        in_force = product_table(lake).select(PRODUCT.schema.names()).collect()
    except MissingTableError:
        return MappingJudgement(check_mapping(sent, {}, [], limits), [], None)
    effects = effects_of_mapping(sent.mapping, in_force, last_accepted_codes(lake, suppliers), suppliers)
    return MappingJudgement(
        check_mapping(sent, rows_by_supplier(in_force), effects, limits), effects, in_force
    )


def _note(sent: MappingFile, suppliers: SuppliersFile, report: RefreshReport) -> None:
    report.counts = count_mapping(sent)
    report.suppliers = rows_by_supplier(sent.mapping)
    report.unknown_suppliers = [code for code in report.suppliers if code not in suppliers.suppliers]
    report.samples = {"rejected": sent.rejected.head(SAMPLES).to_dicts()}
