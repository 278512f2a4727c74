"""The one judgement of files for `store` and `product`: which stores a workbook is for, and what is held.

The DAGs, the check before an upload and the command line call these functions; none judges by itself. What
only the merged store can show is judged by its audit (include/sql/store/audit.sql).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from stock_pipeline.errors import RejectedFile
from stock_pipeline.lake.tables import PRODUCT, STORES
from stock_pipeline.limits import ProductLimits, StoreLimits
from stock_pipeline.messages import listed
from stock_pipeline.refresh.listings import Listings
from stock_pipeline.refresh.mapping_effects import MappingEffect
from stock_pipeline.refresh.mapping_file import HALF, MappingFile
from stock_pipeline.refresh.report import RefreshCheck


def store_groups() -> list[str]:
    """List the words that name a workbook with a sheet for each of several stores, such as `RTG`."""
    return sorted({store.partition("_")[0] for store in STORES if "_" in store} - set(STORES))


@dataclass(frozen=True, slots=True)
class StoreSheets:
    """The sheets of a workbook for a group of stores.

    Attributes:
        stores: the sheet of each store that has one, by store.
        not_read: why a sheet is not read, by sheet.
    """

    stores: dict[str, str]
    not_read: dict[str, str]


def stores_of_sheets(group: str, sheets: Sequence[str]) -> StoreSheets:
    """Tell which sheets of a group's workbook are stores: in RTG's, the sheet FPS is the store RTG_FPS.

    Raises:
        RejectedFile: none of them is.
    """
    known = [store for store in STORES if store.startswith(f"{group}_")]
    stores: dict[str, str] = {}
    not_read: dict[str, str] = {}
    for sheet in sheets:
        folded = sheet.strip().upper()
        store = folded if folded in known else f"{group}_{folded}"
        if store not in known:
            not_read[sheet] = (
                f"there is no store {store}; name the sheet by what comes after {group}_ in the store's name"
            )
        elif store in stores:
            not_read[sheet] = f"the sheet {stores[store]} is for {store} too; keep one of the two"
        else:
            stores[store] = sheet
    if not stores:
        raise RejectedFile(
            f"none of its sheets ({listed(list(sheets))}) is named by what comes after {group}_ in "
            f"{', '.join(known)}"
        )
    return StoreSheets(stores, not_read)


def check_listings(listings: Listings, store: str, limits: StoreLimits) -> RefreshCheck:
    """Check that enough of a store's list can be used.

    Raises:
        RejectedFile: too many rows cannot be used, or no row can.
    """
    share, limit = listings.rejected_share, limits.max_rejected_share
    if share > limit:
        first = listings.rejected.row(0, named=True)
        raise RejectedFile(
            f"{listings.counts['rejected']:,} of {listings.counts['rows']:,} rows ({share:.1%}) cannot be "
            f"used, more than {limit:.0%}; the first is row {first['row']:,}: {first['reason']}"
        )
    if not listings.counts["accepted"]:
        raise RejectedFile("there is no usable row")
    return RefreshCheck(name="rejected_rows", subject=store, value=share, limit=limit, passed=True)


def count_mapping(sent: MappingFile) -> dict[str, int]:
    """Count the rows of a mapping: `rows`, `accepted`, `rejected`, `repeated`."""
    accepted, rejected = sent.mapping.height, sent.rejected.height
    return {
        "rows": sent.rows,
        "accepted": accepted,
        "rejected": rejected,
        "repeated": sent.rows - accepted - rejected,
    }


def rows_by_supplier(mapping: pl.DataFrame) -> dict[str, int]:
    """Count the rows of each supplier in a mapping."""
    return dict(mapping.group_by("supplier").len().sort("supplier").rows())


def check_mapping(
    sent: MappingFile,
    before: Mapping[str, int],
    effects: Sequence[MappingEffect],
    limits: ProductLimits,
) -> list[RefreshCheck]:
    """Check a mapping against the one in force. It is held if a check fails.

    Args:
        sent: the mapping.
        before: rows of each supplier in the mapping in force; empty if there is none.
        effects: what it would do to the stock of each supplier.
        limits: of the suppliers file.

    Raises:
        RejectedFile: no row can be used.
    """
    if sent.mapping.is_empty():
        raise RejectedFile("there is no usable row")
    hold, after = RefreshCheck.hold, rows_by_supplier(sent.mapping)
    blank = sent.rejected.filter(pl.col("reason") != HALF).height
    checks = [hold("rejected_share", PRODUCT.name, blank / sent.rows, limits.max_rejected_share)]
    if before:
        rows = sum(before.values())
        lost = max(rows - sent.mapping.height, 0) / rows
        checks.append(hold("lost_share", PRODUCT.name, lost, limits.max_lost_share))
    for supplier, had in sorted(before.items()):
        has = after.get(supplier, 0)
        if not has:
            checks.append(hold("supplier_lost", supplier, had, 0))
        elif has < had and had >= limits.min_rows:
            share = (had - has) / had
            checks.append(hold("lost_share_by_supplier", supplier, share, limits.max_lost_share_by_supplier))
    for effect in effects:
        if effect.labels < limits.min_rows:
            continue
        figures = {
            "parts_changed_share": (effect.parts_changed, limits.max_share_parts_changed),
            "to_zero_share": (effect.to_zero, limits.max_share_to_zero),
            "from_zero_share": (effect.from_zero, limits.max_share_from_zero),
        }
        checks += [
            hold(name, effect.supplier, count / effect.labels, limit)
            for name, (count, limit) in figures.items()
            if count is not None
        ]
    return checks
