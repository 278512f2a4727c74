"""Tables: what is in the four tables, and why a listing has its quantity."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import altair as alt
import polars as pl
import streamlit as st

from frontend.core.aws import lake
from frontend.core.queries import Answer, QueryError, size
from frontend.ebay_files.files import table_date
from frontend.shell.asking import answered, ask, asked
from frontend.shell.plain import plain
from frontend.shell.session import london_today
from frontend.tables.browse import (
    ROW_LIMITS,
    Condition,
    NotAskableError,
    browse,
    find_listings,
    history,
    operators,
)
from stock_pipeline.daily_summary.summary import kept_back
from stock_pipeline.feeds.trace import Trace, beside_the_table, labels_made_of, trace_label
from stock_pipeline.lake.tables import STORES, SUPPLIER_STOCK, TABLES, Table
from stock_pipeline.spreadsheets.export import harmless_csv, harmless_xlsx
from stock_pipeline.suppliers import load_suppliers

SHOWN_ROWS = 2_000
"""What is drawn at once. The downloads hold all rows of the answer."""

MONTH = timedelta(days=31)
ASKED_FOR = "tables_asked_for"
BROWSED, FOUND, HISTORY = "tables_browsed", "tables_found", "tables_history"
TABLE_WORDS = {
    "ebay": "ebay: what eBay should show",
    "supplier_stock": "supplier_stock: each supplier's stock, day by day",
    "store": "store: the listings of the stores",
    "product": "product: which parts make up which label",
}


def page() -> None:
    """Draw the page."""
    st.title("Tables")
    browsing, why = st.tabs(["Browse", "Why this quantity?"])
    with browsing:
        _browse()
    with why:
        _why()


def _browse() -> None:
    first, second, third, fourth = st.columns([2, 2, 2, 1], vertical_alignment="bottom")
    name = first.selectbox(
        "Table", list(TABLE_WORDS), format_func=TABLE_WORDS.__getitem__, key="tables_table"
    )
    table = TABLES[name]
    chosen: dict[str, list[str]] = {}
    if "ebay_store" in table.partition_keys:
        chosen["ebay_store"] = second.multiselect(
            "Stores", list(STORES), placeholder="All", key="tables_stores"
        )
    if "supplier" in table.partition_keys:
        known = list(load_suppliers().suppliers)
        chosen["supplier"] = third.multiselect("Suppliers", known, placeholder="All", key="tables_suppliers")
    days = None
    if table is SUPPLIER_STOCK:
        today = london_today()
        picked = second.date_input(
            "Days", (today - timedelta(days=7), today), format="DD/MM/YYYY", key="tables_days"
        )
        days = (picked[0], picked[-1]) if isinstance(picked, tuple) and picked else None
    limit = fourth.selectbox(
        "At most", ROW_LIMITS, index=1, format_func="{:,} rows".format, key="tables_limit"
    )
    conditions = [_condition(table, number) for number in (1, 2)]
    if st.button("Show", type="primary", key="tables_show"):
        try:
            ask(BROWSED, browse(name, chosen=chosen, days=days, conditions=conditions, limit=limit))
        except NotAskableError as error:
            st.session_state.pop(BROWSED, None)
            st.warning(plain(error), icon=":material/filter_alt:")
    try:
        answer = answered(BROWSED)
    except QueryError as error:
        st.warning(plain(error), icon=":material/info:")
        return
    if answer:
        _rows(answer)


def _condition(table: Table, number: int) -> Condition:
    first, second, third = st.columns([2, 1, 4], vertical_alignment="bottom")
    key = f"tables_{table.name}_{number}"
    shown: Literal["visible", "collapsed"] = "visible" if number == 1 else "collapsed"
    column = first.selectbox(
        "Where", list(table.columns), index=number - 1, key=f"{key}_column", label_visibility=shown
    )
    operator = second.selectbox(
        "Compared", operators(table, column), key=f"{key}_{column}_operator", label_visibility=shown
    )
    value = third.text_input(
        "With", key=f"{key}_value", placeholder="empty: any", label_visibility=shown, max_chars=200
    )
    return Condition(column, operator, value)


def _rows(answer: Answer) -> None:
    rows = answer.rows
    statement = asked(BROWSED)
    left, csv, xlsx = st.columns([4, 1, 1], vertical_alignment="center")
    told = f"{rows.height:,} rows"
    if statement and statement.sql.endswith(f"LIMIT {rows.height}"):
        told = f"The first {told} (there may be more: narrow the question, or ask for more rows)"
    if rows.height > SHOWN_ROWS:
        told += f", of which {SHOWN_ROWS:,} are shown"
    left.caption(f"{told}. Athena took {answer.seconds:.1f} seconds and read {size(answer.scanned)}.")
    csv.download_button(
        "As CSV", lambda: harmless_csv(rows), "rows.csv", "text/csv", on_click="ignore", width="stretch"
    )
    xlsx.download_button(
        "As workbook", lambda: harmless_xlsx(rows), "rows.xlsx", on_click="ignore", width="stretch"
    )
    st.dataframe(rows.head(SHOWN_ROWS), hide_index=True, column_config=_plain_numbers(rows))
    if statement:
        with st.expander("The statement"):
            st.code(statement.sql, language="sql")
            if statement.parameters:
                st.caption("With, in order: " + ", ".join(plain(value) for value in statement.parameters))


def _why() -> None:
    with st.form("tables_why", border=False):
        _ask_why()
    try:
        answer = answered(FOUND)
    except QueryError as error:
        st.warning(plain(error), icon=":material/info:")
        return
    if answer is None:
        return
    asked_for, day = st.session_state[ASKED_FOR]
    found = _candidates(answer.rows, asked_for)
    if found.is_empty():
        st.warning("No listing, label or part of that name is known.", icon=":material/search_off:")
        return
    picked = st.dataframe(
        found,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row-required",
        key="tables_candidates",
        column_config=_plain_numbers(found),
        height=min(35 * (found.height + 1) + 3, 250),
    )
    rows = picked["selection"]["rows"]
    _explain(found.row(rows[0] if rows and rows[0] < found.height else 0, named=True), day)


def _ask_why() -> None:
    first, second, third = st.columns([3, 1, 1], vertical_alignment="bottom")
    text = first.text_input("Item id, custom label or part number", key="tables_text", max_chars=100)
    day = second.date_input("On", london_today(), format="DD/MM/YYYY", key="tables_day")
    if third.form_submit_button("Find", type="primary", width="stretch") and text.strip():
        st.session_state[ASKED_FOR] = text, day
        ask(FOUND, find_listings(text))


def _candidates(listings: pl.DataFrame, text: str) -> pl.DataFrame:
    """The listings found, and the labels of the product table that no listing of these has."""
    columns = {
        "custom_label": "Label",
        "supplier": "Supplier",
        "ebay_store": "Store",
        "item_id": "Item",
        "quantity": "In the ebay table",
    }
    found = listings.select(list(columns)).rename(columns).sort("Store", "Item")
    known = set(found.select("Supplier", pl.col("Label").str.strip_chars(" ").str.to_uppercase()).rows())
    labels = _labels_made_of(text)
    more = [
        {"Label": label, "Supplier": supplier} for supplier, label in labels if (supplier, label) not in known
    ]
    return pl.concat([found, pl.DataFrame(more, schema=found.schema)]) if more else found


def _explain(chosen: dict[str, Any], day: date) -> None:
    supplier, label = str(chosen["Supplier"]), str(chosen["Label"])
    trace = _trace(supplier, label, day)
    left, right = st.columns([1, 5], vertical_alignment="center")
    shown = "none" if trace.quantity is None else f"{trace.quantity:,}"
    left.metric(f"{plain(trace.label)} on {day:%d/%m/%Y}", shown)
    right.info(plain(trace.sentence), icon=":material/lightbulb:")
    if store := chosen["Store"]:
        quantity = chosen["In the ebay table"]
        of_table = table_date(lake(), str(store))
        known = quantity if isinstance(quantity, int) else None
        if more := beside_the_table(trace, known, of_table, kept_back(lake(), day, supplier, str(store))):
            st.warning(plain(more), icon=":material/difference:")
    if trace.parts:
        st.caption(f"What {plain(trace.file)} says of its parts")
        st.dataframe(_part_rows(trace), hide_index=True, placeholder="")
    _history(trace, day)


def _part_rows(trace: Trace) -> pl.DataFrame:
    rows = [
        {
            "Part": part.part_number,
            "Cell": row.cell,
            "Reads": row.raw,
            "Counts as": row.quantity,
            "Why it does not count": row.reason,
        }
        for part in trace.parts
        for row in part.rows
    ]
    rows += [{"Part": part.part_number, "Reads": "(not listed)"} for part in trace.parts if not part.rows]
    schema = {
        "Part": pl.String,
        "Cell": pl.String,
        "Reads": pl.String,
        "Counts as": pl.Int64,
        "Why it does not count": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def _history(trace: Trace, day: date) -> None:
    statement = history(trace.supplier, trace.label, day - MONTH, day)
    if asked(HISTORY) != statement:
        ask(HISTORY, statement)
    try:
        answer = answered(HISTORY)
    except QueryError as error:
        st.warning(plain(error), icon=":material/info:")
        return
    if answer is None:
        return
    days = answer.rows.select(Day=pl.col("day").str.to_date("%Y%m%d"), Quantity="quantity").sort("Day")
    if days.is_empty():
        st.caption("No list of the month before has this label.")
        return
    st.caption(
        f"Its quantity in each of {plain(trace.supplier)}'s accepted lists of the month before "
        f"({answer.seconds:.1f} seconds, {size(answer.scanned)} read)"
    )
    line = alt.Chart(days).mark_line(point=True, interpolate="step-after")
    axis = alt.Axis(tickMinStep=1, format="d")
    st.altair_chart(
        line.encode(
            x=alt.X(
                "Day:T",
                title=None,
                axis=alt.Axis(format="%d %b", tickCount="day", labelOverlap=True),
                scale=alt.Scale(domain=[(day - MONTH).isoformat(), day.isoformat()]),
            ),
            y=alt.Y("Quantity:Q", axis=axis, scale=alt.Scale(domainMin=0)),
            tooltip=["Day:T", "Quantity:Q"],
        ).properties(height=220)
    )


@st.cache_data(ttl=300, max_entries=50, show_spinner="Looking through the parts")
def _labels_made_of(text: str) -> list[tuple[str, str]]:
    return labels_made_of(lake(), part_or_label=text)


@st.cache_data(ttl=60, max_entries=50, show_spinner="Reading the supplier's workbook")
def _trace(supplier: str, label: str, day: date) -> Trace:
    return trace_label(
        lake(),
        suppliers=load_suppliers(),
        supplier=supplier,
        label=label,
        run_date=day,
    )


def _plain_numbers(rows: pl.DataFrame) -> dict[str, Any]:
    """Item ids are names, not amounts: without commas."""
    return {
        column: st.column_config.NumberColumn(format="%d")
        for column in rows.columns
        if column.lower().startswith("item")
    }
