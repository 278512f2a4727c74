"""The limits of the suppliers file: how far feeds, lists and the table may be from the last ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A part of the suppliers file: what it does not know is a mistake, and nothing of it changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Thresholds(Strict):
    """The limits of a feed's checks. Shares are between 0 and 1.

    Beyond the first the feed is rejected, beyond any other it is held.
    How often wrong lists pass and honest ones are held at these limits is measured by `make bench-guard`.

    Attributes:
        max_rejected_share: of rows.
        max_share_to_zero, max_share_from_zero: of known labels, against the last accepted snapshot.
        max_stock_lost: of the labels that were in stock, how many may have none now.
        min_agreement: rank correlation of the stock of the same codes, then and now; -1 to 1.
        min_same_stock: how far being in stock agrees beyond chance (Cohen's kappa); -1 to 1.
        min_same_stock_old: the same against a list of more than nine days ago.
        max_level: how many times as much, or as little, the middle code may have.
        max_flips: of the codes in both lists, how many may have gone to or come back from zero.
        max_flips_old: the same against a list of more than nine days ago.
        max_jumps: of the codes in stock both times, how many may have more than twice or less than half.
        max_jumps_old: the same against a list of more than nine days ago.
        max_stock_returned: of the codes that were out of stock, how many may be back.
        max_flips_in_part, max_jumps_in_part, min_agreement_in_part: the same figures in the worst tenth
            of the rows, against a list of the last nine days.
        max_same_step: of the codes in stock both times, how many may have changed by the same number.
        max_gap: of the baseline's rows, how many may be missing in one piece.
        max_one_sided_change: of the codes in stock both times, how many more may have risen than fallen, or
            the other way round, in numbers as sent.
        max_row_count_change: up or down, against the last accepted file.
        min_codes_kept: of the last accepted file's codes, how many must be listed still.
        max_match_rate_fall: by which part the share of codes with a label may have fallen.
        max_conflicts: of codes, those listed twice with different stock.
        max_damaged_codes: of codes, those that match nothing and look as if a program had changed them.
        max_unknown_lines: of an out list's new lines, those that are no label.
        max_fraction_share: of rows; a list of quantities has no fractions, a list of prices has.
        max_other_supplier_ratio: codes known to another supplier's mapping, for each one known to its own.
        max_age_days: an older snapshot is called stale.
    """

    max_rejected_share: Share
    max_share_to_zero: Share
    max_share_from_zero: Share
    max_stock_lost: Share
    min_agreement: Annotated[float, Field(ge=-1, le=1)]
    min_same_stock: Annotated[float, Field(ge=-1, le=1)]
    min_same_stock_old: Annotated[float, Field(ge=-1, le=1)]
    max_level: Annotated[float, Field(gt=1)]
    max_flips: Share
    max_flips_old: Share
    max_jumps: Share
    max_jumps_old: Share
    max_stock_returned: Share
    max_flips_in_part: Share
    max_jumps_in_part: Share
    min_agreement_in_part: Annotated[float, Field(ge=-1, lt=1)]
    max_same_step: Share
    max_gap: Share
    max_one_sided_change: Share
    max_row_count_change: Annotated[float, Field(gt=0)]
    min_codes_kept: Share
    max_match_rate_fall: Share
    max_conflicts: Share
    max_damaged_codes: Share
    max_unknown_lines: Share
    max_fraction_share: Share
    max_other_supplier_ratio: Annotated[float, Field(ge=1)]
    max_age_days: Annotated[int, Field(ge=1)]


class TableLimits(Strict):
    """How far the finished ebay table may be from the published one. Shares are of listings, 0 to 1.

    Each holds for every supplier and every store that has `min_listings` listings in the published table.
    """

    max_share_to_zero: Share
    max_share_from_zero: Share
    max_share_changed: Share
    max_share_gone: Share
    min_listings: Annotated[int, Field(ge=1)]


class StoreLimits(Strict):
    """How far the file of a store may change it without a person looking. Shares are between 0 and 1.

    Attributes:
        max_rejected_share: more rejected rows than this, and nothing of the file is used.
        max_lost_share: of the store's listings, those that would go.
        max_moved_share: of the uploaded listings the store has, those that would change supplier.
        max_relabelled_share: of these listings, those that would change their custom label.
        max_share_of_other_stores: of the uploaded listings, those which another store has.
        min_listings: a file with fewer listings that the store has is not judged by how many of them move.
    """

    max_rejected_share: Share
    max_lost_share: Share
    max_moved_share: Share
    max_relabelled_share: Share
    max_share_of_other_stores: Share
    min_listings: Annotated[int, Field(ge=1)]


class ProductLimits(Strict):
    """How far a new mapping may differ from the last without a person looking. Shares are between 0 and 1.

    Attributes:
        max_rejected_share: of the file's rows, those with a blank field.
        max_lost_share: of all rows, those that would go.
        max_lost_share_by_supplier: of one supplier's rows.
        max_share_parts_changed: of one supplier's labels, those that would have other parts.
        max_share_to_zero, max_share_from_zero: of one supplier's labels, those that would lose or regain
            their stock by its last accepted list.
        min_rows: a supplier with fewer rows or labels is not judged by its shares.
    """

    max_rejected_share: Share
    max_lost_share: Share
    max_lost_share_by_supplier: Share
    max_share_parts_changed: Share
    max_share_to_zero: Share
    max_share_from_zero: Share
    min_rows: Annotated[int, Field(ge=1)]
