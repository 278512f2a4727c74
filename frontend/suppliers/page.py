"""Suppliers: how each one's list is read, and what a changed rule would make of a list."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.core.aws import lake
from frontend.shell.plain import bullets, plain
from frontend.shell.session import in_line, london_today
from frontend.suppliers.words import limits, overview
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.judgement import Judgement
from stock_pipeline.feeds.known import what_is_known_soon
from stock_pipeline.feeds.rule_trial import Trial, feed_of_day, try_rules
from stock_pipeline.spreadsheets.export import harmless_csv
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import Supplier, SuppliersFile, load_suppliers, rules_as_text, with_rules
from stock_pipeline.verdicts import Verdict

SHOWN_ROWS = 1_000
OWN = "a workbook of mine"
TRIED = "suppliers_tried"
"""What the rules that were tried last came to, in this session."""
COUNTS = {
    "rows": "Rows",
    "rejected": "Rejected rows",
    "matched": "Codes matched",
    "labels": "Labels",
    "in_stock": "Labels in stock",
    "to_zero": "Labels gone to 0",
    "from_zero": "Labels back in stock",
}


def page() -> None:
    """Draw the page."""
    st.title("Suppliers")
    suppliers = load_suppliers()
    st.write(
        "How each supplier's list is read. Rules are changed in the file `suppliers.yaml` and deployed; here "
        "you can see what a change would do before anybody makes it."
    )
    picked = st.dataframe(
        pl.DataFrame(overview(suppliers.suppliers)),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row-required",
        key="suppliers_table",
        height="content",
    )
    rows = picked["selection"]["rows"]
    if not rows:
        st.caption("Choose a supplier to see its limits and to try a change.")
        return
    code = list(suppliers.suppliers)[rows[0]]
    st.subheader(plain(code))
    trial, thresholds = st.tabs(["Try a change", "Limits"])
    with trial:
        _try(suppliers, code)
    with thresholds:
        st.dataframe(pl.DataFrame(limits(suppliers.suppliers[code])), hide_index=True, width="content")


def _try(suppliers: SuppliersFile, code: str) -> None:
    left, right = st.columns(2)
    with left:
        text = st.text_area(
            "The rules",
            value=rules_as_text(code),
            height=220,
            max_chars=20_000,
            key=f"suppliers_rules_{code}",
        )
    with right:
        source = st.radio("On which list", ["the supplier's file of a day", OWN], key="suppliers_source")
        day = st.date_input("Day", value=london_today(), format="DD/MM/YYYY", key="suppliers_day")
        upload = None
        if source == OWN:
            upload = st.file_uploader("Workbook", type="xlsx", key="suppliers_upload")
        asked = st.button("Try the rules", type="primary", key="suppliers_try")
    if asked:
        st.session_state.pop(TRIED, None)
        _run(suppliers, code, text, day, upload, source == OWN)
    tried: tuple[str, Trial] | None = st.session_state.get(TRIED)
    if tried and tried[0] == code:
        _show(tried[1], code)


def _run(
    suppliers: SuppliersFile, code: str, text: str, day: date, upload: UploadedFile | None, own: bool
) -> None:
    """Try the rules, and keep what they come to for `_show`."""
    try:
        changed = with_rules(code, text).supplier(code)
    except NeedsPersonError as error:
        st.error(f"These rules cannot be used. {plain(error)}", icon=":material/error:")
        return
    if changed == suppliers.suppliers[code]:
        st.info("These are the rules in force, so nothing differs.")
    with st.spinner("Judging the list twice"), in_line(), TemporaryDirectory(prefix="try_rules_") as folder:
        path = Path(folder) / "list.xlsx"
        if upload is not None:
            path.write_bytes(upload.getvalue())
        elif own:
            st.warning("Choose a workbook first.")
            return
        elif not _fetch(suppliers, code, day, path):
            st.warning(f"{plain(code)} has no file of {day:%d/%m/%Y}.")
            return
        st.session_state[TRIED] = code, _trial(path, suppliers.suppliers[code], changed, day)


def _fetch(suppliers: SuppliersFile, code: str, day: date, path: Path) -> bool:
    key = feed_of_day(lake(), suppliers=suppliers, code=code, run_date=day)
    if key is None:
        return False
    head = lake().head(key)
    if head is None or head["ContentLength"] > WorkbookLimits().file_bytes:
        return False
    lake().download(key, path)
    return True


def _trial(path: Path, before: Supplier, after: Supplier, day: date) -> Trial:
    known = what_is_known_soon(lake(), supplier=before, run_date=day)
    known_after = known
    if after.lists_out_of_stock != before.lists_out_of_stock:
        known_after = what_is_known_soon(lake(), supplier=after, run_date=day)
    return try_rules(path, before, after, known, known_after, day)


def _show(trial: Trial, code: str) -> None:
    for reading, which in ((trial.before, "in force"), (trial.after, "you tried")):
        if reading.verdict is Verdict.REJECTED:
            st.error(f"By the rules {which} the list would be rejected: {plain(reading.reason)}")
        if reading.verdict is Verdict.HELD:
            st.warning(f"By the rules {which} the list would be held:\n\n{bullets(list(reading.reasons))}")
    if trial.labels.is_empty():
        st.success("No label's quantity differs.", icon=":material/check:")
    else:
        count = trial.labels.height
        told = "1 label gets another quantity." if count == 1 else f"{count:,} labels get another quantity."
        st.warning(told, icon=":material/difference:")
    st.dataframe(_figures(trial.before, trial.after), hide_index=True, width="content")
    labels, rows = st.tabs([f"Labels ({trial.labels.height:,})", f"Rows ({trial.rows.height:,})"])
    names = {"custom_label": "Label", "before": "In force", "after": "Changed"}
    with labels:
        _table(trial.labels.rename(names), f"{code}_labels.csv")
    with rows:
        names = {
            "row": "Row",
            "code_before": "Code in force",
            "stock_before": "Stock cell in force",
            "before": "Quantity in force",
            "code_after": "Code changed",
            "stock_after": "Stock cell changed",
            "after": "Quantity changed",
            "why": "Why a row is rejected",
        }
        _table(trial.rows.rename(names), f"{code}_rows.csv")


def _figures(before: Judgement, after: Judgement) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"": words, "In force": before.counts.get(name), "Changed": after.counts.get(name)}
            for name, words in COUNTS.items()
        ]
    )


def _table(table: pl.DataFrame, name: str) -> None:
    if table.is_empty():
        st.write("None.")
        return
    if table.height > SHOWN_ROWS:
        st.caption(f"The first {SHOWN_ROWS:,} are shown.")
    st.dataframe(table.head(SHOWN_ROWS), hide_index=True)
    body = harmless_csv(table)
    st.download_button(
        "Download all as CSV", body, name, "text/csv", key=f"suppliers_{name}", on_click="ignore"
    )
