"""Files for eBay: what there is to upload for each day, and who has uploaded it."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import streamlit as st

from frontend.core.aws import lake
from frontend.core.queries import size
from frontend.core.settings import LONDON
from frontend.ebay_files.files import (
    WAYS,
    File,
    Folder,
    body_of,
    changed_listings,
    narrowed,
    newest_folders,
    table_date,
)
from frontend.shell.plain import plain
from frontend.shell.session import current_user
from stock_pipeline.ebay.upload_ledger import KEPT_DAYS, mark_uploaded, read_marks

SHOWN_DAYS = 14
SHOWN_ROWS = 2_000
"""Of a preview. The file has the rest."""

FETCHED = "ebay_files_fetched"
"""Which writings this session has downloaded, by folder."""


def page() -> None:
    """Draw the page."""
    st.title("Files for eBay")
    folders = newest_folders(lake(), SHOWN_DAYS)
    if not folders:
        st.info("There are no files yet. A run writes them when it has published the table.")
        return
    folder = _choose(folders)
    _head(folder)
    stores, listings = st.tabs(["Stores", "Listings"])
    with stores:
        _stores(folder)
    with listings:
        _preview(folder)


def _choose(folders: list[Folder]) -> Folder:
    overview = pl.DataFrame(
        {
            "Day": [folder.title for folder in folders],
            "Written": [f"{folder.written.astimezone(LONDON):%d/%m/%Y %H:%M}" for folder in folders],
            "Listings": [folder.rows for folder in folders],
            "Files": [len(folder.noted.files) if folder.noted else 0 for folder in folders],
            "Zip": [size(folder.zip.size) if folder.zip else "" for folder in folders],
            "Kind": [
                "every listing" if folder.noted and folder.noted.full else "changes" for folder in folders
            ],
            "Uploaded": [folder.uploaded for folder in folders],
        }
    )
    picked = st.dataframe(
        overview,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row-required",
        key="ebay_files_days",
        height=min(35 * (len(folders) + 1) + 3, 250),
        column_config={"Listings": st.column_config.NumberColumn(format="localized")},
    )
    rows = picked["selection"]["rows"]
    return folders[rows[0] if rows and rows[0] < len(folders) else 0]


def _head(folder: Folder) -> None:
    st.subheader(plain(folder.title))
    written = folder.written.astimezone(LONDON)
    st.caption(
        f"Written on {written:%d %B %Y} at {written:%H:%M:%S}. Upload sets in the order they were written."
    )
    if folder.noted is None:
        st.warning(
            "These files are being written, or their writing failed: do not upload them. "
            "If it stays like this, run the day again.",
            icon=":material/hourglass:",
        )
        return
    if folder.zip is None:
        st.info("Nothing to upload: eBay is up to date.")
    left, middle, _ = st.columns([1, 1, 2], vertical_alignment="center")
    if bundle := folder.zip:
        left.download_button(
            f"Download all ({size(bundle.size)})",
            data=lambda: _body(bundle),
            file_name=bundle.name,
            mime="application/zip",
            type="primary",
            on_click=lambda: _remember_fetched(folder),
            width="stretch",
            icon=":material/download:",
        )
    if folder.unmarked:
        middle.button(
            "Mark as uploaded",
            on_click=lambda: st.session_state.update(ebay_files_marking=folder.name),
            width="stretch",
            icon=":material/task_alt:",
        )
    if st.session_state.get("ebay_files_marking") == folder.name:
        del st.session_state["ebay_files_marking"]
        _mark(folder)


@st.dialog("Mark as uploaded")
def _mark(folder: Folder) -> None:
    """Ask which stores' files were uploaded, and note it."""
    assert folder.noted is not None  # noqa: S101 - the button is there only with files
    numbers = {store: files.number for store, files in folder.noted.stores.items()}
    fetched = st.session_state.get(FETCHED, {}).get(folder.name)
    if fetched and fetched != numbers:
        st.warning(
            f"The files of {plain(folder.title)} were written again after you downloaded them. You mark "
            "those you downloaded; download and upload the new ones too.",
            icon=":material/sync_problem:",
        )
        numbers = {store: fetched.get(store, number) for store, number in numbers.items()}
    st.write(
        f"The next files leave out what eBay was sent by those of {plain(folder.title)}. Mark what eBay has "
        "taken, and nothing else."
    )
    stores = st.multiselect("Stores", sorted(numbers), default=folder.unmarked, key="ebay_files_stores")
    if st.button("They are uploaded", type="primary", disabled=not stores):
        mark_uploaded(
            lake(),
            numbers={store: numbers[store] for store in stores},
            by=current_user().name,
            at=datetime.now(LONDON),
        )
        st.rerun()
    st.caption(f"Files can be marked until {KEPT_DAYS:d} days after their day.")


def _stores(folder: Folder) -> None:
    if folder.noted is None:
        return
    numbers = {store: files.number for store, files in folder.noted.stores.items() if store in folder.marked}
    marks = read_marks(lake(), numbers)
    rows = []
    for store, files in sorted(folder.noted.stores.items()):
        parts = [file for file in folder.files if file.is_of(store)]
        mark = marks.get(store)
        rows.append(
            {
                "Store": store,
                "Listings": files.rows,
                "Files": ", ".join(file.name for file in parts),
                "Size": size(sum(file.size for file in parts)) if parts else "",
                "Uploaded by": mark.by if mark else "",
                "Uploaded at": f"{mark.at.astimezone(LONDON):%d/%m/%Y %H:%M}" if mark else "",
            }
        )
    st.dataframe(
        pl.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={"Listings": st.column_config.NumberColumn(format="localized")},
    )


@st.fragment
def _preview(folder: Folder) -> None:
    files = {file.name: file for file in folder.files if file.name.endswith(".csv")}
    if not files or folder.noted is None:
        st.write("No file, no listings.")
        return
    first, second, third, fourth = st.columns([1, 2, 2, 1], vertical_alignment="bottom")
    file = files[first.selectbox("File", sorted(files), key="ebay_files_file")]
    store = next(store for store in folder.noted.stores if file.is_of(store))
    of_table = table_date(lake(), store) == folder.noted.run_date
    listings = _listings(file.key, file.tag, store if of_table else None)
    search = second.text_input("Item or label contains", key="ebay_files_search")
    known = sorted(listings["supplier_store"].drop_nulls().unique()) if of_table else []
    suppliers = third.multiselect("Suppliers", known, placeholder="All", key="ebay_files_suppliers")
    way = fourth.selectbox("Which", list(WAYS), key="ebay_files_way")
    found = narrowed(listings, search, suppliers, way)
    told = f"{found.height:,} of {listings.height:,} listings"
    if found.height > SHOWN_ROWS:
        told += f", of which the first {SHOWN_ROWS:,} are shown"
    if not of_table:
        told += ". The table is of another day by now, so labels and earlier quantities are not known"
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(told)
    right.download_button(
        "Download this file",
        data=lambda: _body(file),
        file_name=file.name,
        mime="text/csv",
        width="stretch",
        on_click=lambda: _remember_fetched(folder),
    )
    names = {
        "item_id": "Item",
        "custom_label": "Label",
        "supplier_store": "Supplier",
        "before": "Before",
        "quantity": "Quantity",
    }
    shown = found.head(SHOWN_ROWS).select(
        pl.col(column).alias(name) for column, name in names.items() if column in found.columns
    )
    st.dataframe(shown, hide_index=True, column_config={"Item": st.column_config.NumberColumn(format="%d")})


@st.cache_data(ttl=600, max_entries=8, show_spinner="Reading the file")
def _listings(key: str, tag: str, store: str | None) -> pl.DataFrame:
    file = File(key, 0, datetime.now(LONDON), tag)
    return changed_listings(lake(), file, store)


def _body(file: File) -> bytes:
    return body_of(lake(), file)


def _remember_fetched(folder: Folder) -> None:
    if folder.noted:
        numbers = {store: files.number for store, files in folder.noted.stores.items()}
        st.session_state.setdefault(FETCHED, {})[folder.name] = numbers
