"""Why a label has its quantity, in a sentence, for every way it can come to it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.feeds.trace import Trace, beside_the_table, labels_made_of, trace_label
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.releases import Release
from stock_pipeline.suppliers import Supplier, SuppliersFile, load_suppliers
from tests.support.lake import Lake
from tests.support.workbooks.contents import good_rows
from tests.support.workbooks.making import Rows

DAY = date(2024, 8, 8)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
REAL = load_suppliers()


def changed(code: str, like: str, **fields: object) -> Supplier:
    return REAL.suppliers[like].model_copy(update={"code": code, **fields})


SUPPLIERS = REAL.model_copy(
    update={
        "suppliers": {
            **REAL.suppliers,
            "SUM": changed("SUM", "BGA", combine="sum"),
            "MAX": changed("MAX", "BGA", combine="max"),
            "KEEP": changed("KEEP", "BGA", absent="keep"),
        }
    }
)
FILLER = [row for row in good_rows() if row[0] != "PX0000"]
BGA: Rows = [
    ["BGA REFERENCE", "Stock"],
    ["ZERO", 0],
    ["FOUR", "4"],
    ["MANY", "25+"],
    ["TWICE", 7],
    ["twice", 3],
    ["BAD", "ask us"],
    ["NEWBAD", None],
    ["KIT-A", 9],
    ["KIT-B", 2],
    *FILLER,
]
SMP_HEADER = ["PartNumber", "Desc", "SUnder", "Supercession", "SurchVal", "RRP"]
MAPPING = {
    "L-ZERO": ["ZERO"],
    "L-FOUR": ["FOUR"],
    "L-MANY": ["MANY"],
    "L-TWICE": ["TWICE"],
    "L-BAD": ["BAD"],
    "L-NEWBAD": ["NEWBAD"],
    "L-GONE": ["GONE"],
    "KIT": ["KIT-A", "KIT-B"],
    "KIT-OUT": ["KIT-A", "GONE"],
    "KIT-DOUBT": ["KIT-A", "BAD"],
    "KIT-BAD-OUT": ["BAD", "ZERO"],
}


def publish(
    lake: Lake, suppliers: SuppliersFile, code: str, day: date, rows: Rows, *, released: bool = True
) -> None:
    """Upload a list, have it judged, and register its snapshot if it has one."""
    lake.upload_feed(day, f"{code}_list.xlsx", rows)
    report = process_feed(
        lake,
        suppliers=suppliers,
        supplier=suppliers.supplier(code),
        run_date=day,
        # The lists are far too short, and too much alike, to be used by themselves.
        release=Release(by="ann", reason="a test") if released else None,
        accept_first=True,
    )
    if partition := report.partition(lake.bucket):
        lake.register(SUPPLIER_STOCK.name, partition["values"], report.snapshot or "")


@pytest.fixture(scope="module")
def lake(clients, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Some suppliers' lists of one day, and what was known the day before."""
    s3, glue = clients
    lake = Lake.named("lake-trace", s3, glue, tmp_path_factory.mktemp("trace")).create()
    lake.put_product(
        [
            *((label, part, "BGA") for label, parts in MAPPING.items() for part in parts),
            *((f"L{number:04}", f"PX{number:04}", "BGA") for number in range(60)),
            *(("KIT", part, code) for code in ("SUM", "MAX") for part in ("KIT-A", "KIT-B")),
            ("L-FOUR", "FOUR", "KEEP"),
            ("L-GONE", "GONE", "KEEP"),
            ("A-NO", "NO1", "APE"),
            ("S-IN", "IN1", "SMP"),
            ("F-1", "F1", "FIR"),
            ("NAMELESS", "", "BGA"),
        ]
    )
    lake.put_listings("RTG_RTG", "RTG", ["RTG-OUT", "RTG-IN"])
    lake.put_snapshot("BGA", YESTERDAY, {"L-BAD": 6, "KIT-DOUBT": 5, "KIT-BAD-OUT": 5})
    publish(lake, SUPPLIERS, "BGA", DAY, BGA)
    lake.put_snapshot("KEEP", YESTERDAY, {"L-GONE": 8})
    for code in ("SUM", "MAX", "KEEP"):
        publish(lake, SUPPLIERS, code, DAY, BGA)
    publish(lake, SUPPLIERS, "APE", DAY, [["Part no", "Stock"], ["NO1", "no"]])
    publish(lake, SUPPLIERS, "SMP", DAY, [SMP_HEADER, ["IN1", "A pump", None, None, None, 3]])
    publish(lake, SUPPLIERS, "RTG", DAY, [["Custom label", "Info"], ["rtg-out ", "sold out"]])
    return lake


def trace(lake: Lake, supplier: str, label: str, day: date = DAY) -> Trace:
    return trace_label(
        lake,
        suppliers=SUPPLIERS,
        supplier=supplier,
        label=label,
        run_date=day,
    )


LIST = "BGA's list of 2024-08-08"
CASES = [
    ("BGA", "L-ZERO", 0, f"In {LIST} cell B2 for part ZERO reads '0'."),
    ("BGA", " l-four ", 4, f"In {LIST} cell B3 for part FOUR reads '4'."),
    ("BGA", "L-MANY", 10, f"In {LIST} cell B4 for part MANY reads '25+', which counts as 10."),
    (
        "BGA",
        "L-TWICE",
        3,
        f"In {LIST} cell B6 for part TWICE reads '3'; the list has it on 2 rows, and the lowest counts.",
    ),
    (
        "BGA",
        "L-BAD",
        6,
        f"In {LIST} cell B7 for part BAD reads 'ask us' (not a number), so the 6 of 2024-08-07 stays.",
    ),
    (
        "BGA",
        "L-NEWBAD",
        0,
        (
            f"In {LIST} cell B8 for part NEWBAD holds no value (blank, or an error value such as #N/A), and "
            "there is no earlier quantity, so it is 0."
        ),
    ),
    ("BGA", "L-GONE", 0, f"{LIST} does not list part GONE, and what it leaves out is 0."),
    (
        "BGA",
        "KIT",
        2,
        (
            "KIT is made of 2 parts and is worth its scarcest one, KIT-B: "
            f"in {LIST} cell B10 for part KIT-B reads '2'."
        ),
    ),
    (
        "BGA",
        "KIT-OUT",
        0,
        (
            "KIT-OUT is made of 2 parts and is worth its scarcest one, GONE: "
            f"{LIST} does not list part GONE, and what it leaves out is 0."
        ),
    ),
    (
        "BGA",
        "KIT-DOUBT",
        5,
        (
            "KIT-DOUBT is made of 2 parts, and of one nothing is known: "
            f"in {LIST} cell B7 for part BAD reads 'ask us' (not a number), so the 5 of 2024-08-07 stays."
        ),
    ),
    (
        "BGA",
        "KIT-BAD-OUT",
        0,
        (
            "KIT-BAD-OUT is made of 2 parts and is worth its scarcest one, ZERO: "
            f"in {LIST} cell B2 for part ZERO reads '0'."
        ),
    ),
    ("SUM", "KIT", 11, "KIT is worth the sum of its 2 parts: 9 (KIT-A) + 2 (KIT-B) = 11."),
    (
        "MAX",
        "KIT",
        9,
        (
            "KIT is made of 2 parts and is worth the one of which there is most, KIT-A: "
            "in MAX's list of 2024-08-08 cell B9 for part KIT-A reads '9'."
        ),
    ),
    (
        "KEEP",
        "L-GONE",
        8,
        (
            "KEEP's list of 2024-08-08 does not list part GONE, and what it leaves out is unchanged, "
            "so the 8 of 2024-08-07 stays."
        ),
    ),
    (
        "APE",
        "A-NO",
        0,
        "In APE's list of 2024-08-08 cell B2 for part NO1 reads 'no', which counts as 0.",
    ),
    (
        "SMP",
        "S-IN",
        10,
        "SMP's list of 2024-08-08 lists part IN1 on row 2, and what it lists is 10.",
    ),
    ("RTG", "RTG-OUT", 0, "RTG's list of 2024-08-08 names RTG-OUT as out, on row 2."),
    (
        "RTG",
        "RTG-IN",
        20,
        "RTG's list of 2024-08-08 names what is out, and RTG-IN is not in it, so it is 20.",
    ),
    (
        "BGA",
        "NOTHERE",
        None,
        "NOTHERE is not known to be BGA's, as no part of theirs makes it up, so it is not in the table.",
    ),
    (
        "BGA",
        "NAMELESS",
        None,
        "NAMELESS is not known to be BGA's, as no part of theirs makes it up, so it is not in the table.",
    ),
    (
        "FIR",
        "F-1",
        None,
        "FIR has no accepted list on or before 2024-08-08, so the table has no listing of theirs.",
    ),
    (
        "RTG",
        "RTG-NEW",
        0,
        "No store had RTG-NEW when that list was read; until the next one it is 0.",
    ),
]


@pytest.mark.parametrize(("supplier", "label", "quantity", "sentence"), CASES)
def test_the_sentence_names_the_cell_and_the_rule(lake: Lake, supplier, label, quantity, sentence):
    found = trace(lake, supplier, label)
    assert (found.quantity, found.sentence) == (quantity, sentence)
    assert found.in_table == (quantity is not None)


def test_the_rows_of_every_part_are_there(lake: Lake):
    found = trace(lake, "BGA", "KIT")
    assert [(part.part_number, part.known, [row.cell for row in part.rows]) for part in found.parts] == [
        ("KIT-A", 9, ["B9"]),
        ("KIT-B", 2, ["B10"]),
    ]
    assert found.file == "stock_feed/year=2024/month=08/day=08/BGA_list.xlsx"
    assert (found.snapshot_date, found.last_date) == (DAY, YESTERDAY)


def test_a_rejected_list_leaves_the_one_before_in_force(lake: Lake):
    publish(lake, SUPPLIERS, "BGA", TOMORROW, [["Something else"], ["FOUR", 1]])
    found = trace(lake, "BGA", "L-FOUR", TOMORROW)
    assert found.quantity == 4
    assert found.sentence.startswith(
        "BGA's list of 2024-08-09 does not count (BGA_list.xlsx is rejected: no accepted header"
    )
    assert found.sentence.endswith(
        f", so the one of 2024-08-08 does: in {LIST} cell B3 for part FOUR reads '4'."
    )


def test_a_held_list_leaves_the_one_before_in_force(lake: Lake):
    publish(
        lake,
        SUPPLIERS,
        "MAX",
        TOMORROW,
        [["BGA REFERENCE", "Stock"], ["KIT-A", 0], ["KIT-B", 0]],
        released=False,
    )
    found = trace(lake, "MAX", "KIT", TOMORROW)
    assert found.quantity == 9
    assert found.sentence.startswith("MAX's list of 2024-08-09 does not count (MAX_list.xlsx is held, ")
    assert "so the one of 2024-08-08 does: KIT is made of 2 parts" in found.sentence


def test_a_missing_list_leaves_the_one_before_in_force(lake: Lake):
    process_feed(
        lake,
        suppliers=SUPPLIERS,
        supplier=SUPPLIERS.supplier("APE"),
        run_date=TOMORROW,
        accept_first=True,
    )
    found = trace(lake, "APE", "A-NO", TOMORROW)
    assert found.sentence.startswith(
        "APE sent no list for 2024-08-09, so the one of 2024-08-08 does: in APE's list of 2024-08-08 cell B2"
    )


def test_a_day_nobody_ran_is_told_apart_from_a_missing_list(lake: Lake):
    found = trace(lake, "SMP", "S-IN", TOMORROW)
    assert found.sentence.startswith(
        "No list of SMP was read for 2024-08-09, so the one of 2024-08-08 does: SMP's list"
    )


def test_a_supplier_that_is_no_longer_known_has_its_last_quantity(lake: Lake):
    lake.put_snapshot("OLD", YESTERDAY, {"L-OLD": 3})
    found = trace(lake, "OLD", "L-OLD")
    assert (found.quantity, found.sentence) == (
        3,
        (
            "No list of OLD was read for 2024-08-08, so the one of 2024-08-07 does: "
            "OLD is no longer in the suppliers file; its last list says 3."
        ),
    )


def test_a_workbook_that_was_replaced_is_not_taken_for_the_one_that_was_read(lake: Lake, tmp_path: Path):
    day = DAY + timedelta(days=10)
    publish(
        lake,
        SUPPLIERS,
        "SMP",
        day,
        [["PartNumber", "Desc", "SUnder", "Supercession", "SurchVal", "RRP"], ["IN1"]],
    )
    lake.s3.delete_object(Bucket=lake.bucket, Key="stock_feed/year=2024/month=08/day=18/SMP_list.xlsx")
    found = trace(lake, "SMP", "S-IN", day)
    assert found.sentence == (
        "It says 10, but its workbook (stock_feed/year=2024/month=08/day=18/SMP_list.xlsx) was replaced or "
        "removed since."
    )


def test_rules_that_changed_since_are_said_to_have(lake: Lake):
    rules = REAL.suppliers["APE"].rule.model_copy(update={"in_tokens": ("NO",), "out_tokens": ("YES",)})
    suppliers = SUPPLIERS.model_copy(
        update={"suppliers": {**SUPPLIERS.suppliers, "APE": changed("APE", "APE", rule=rules)}}
    )
    found = trace_label(lake, suppliers=suppliers, supplier="APE", label="A-NO", run_date=DAY)
    assert (found.quantity, found.sentence) == (
        0,
        (
            "It says 0, but with today's product table and rules its workbook comes to 10: one of the two "
            "was changed since; the next list follows it."
        ),
    )


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("kit-b ", [("BGA", "KIT"), ("MAX", "KIT"), ("SUM", "KIT")]),
        ("s-in", [("SMP", "S-IN")]),
        ("nothing", []),
    ],
)
def test_labels_are_found_by_their_part_or_themselves(lake: Lake, text, labels):
    assert labels_made_of(lake, part_or_label=text) == labels


@pytest.mark.parametrize(
    ("quantity", "table_date", "said"),
    [
        (4, DAY, None),
        (4, None, "There is no ebay table of this store yet."),
        (None, YESTERDAY, "The listing is not in the ebay table of 2024-08-07: "),
        (9, YESTERDAY, "The ebay table of 2024-08-07 has 9; by what counts on 2024-08-08 it is 4. "),
    ],
)
def test_a_listing_that_differs_from_its_label_says_why(lake: Lake, quantity, table_date, said):
    found = beside_the_table(trace(lake, "BGA", "L-FOUR"), quantity, table_date)
    assert found == said or (said and found and found.startswith(said))


def test_a_listing_that_the_audit_kept_says_so(lake: Lake):
    found = beside_the_table(trace(lake, "BGA", "L-FOUR"), 9, DAY, kept="40% would go to zero (limit 25%)")
    assert found is not None
    assert found.startswith(
        "The ebay table has 9, from an earlier day: the audit stopped the change to 4 (40%"
    )


@pytest.mark.parametrize(("days", "quantity"), [(31, 4), (32, 0)])
def test_stock_that_has_expired_counts_as_zero_where_the_rules_say_so(lake: Lake, days: int, quantity: int):
    rules = REAL.model_copy(update={"suppliers": {"BGA": changed("BGA", "BGA", expired="zero")}})
    found = trace_label(
        lake, suppliers=rules, supplier="BGA", label="L-FOUR", run_date=DAY + timedelta(days=days)
    )
    assert (found.in_table, found.quantity) == (True, quantity)
    assert ("has expired and counts as 0" in found.sentence) is (quantity == 0)
