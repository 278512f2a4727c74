{#- One row for each listing whose supplier has a snapshot and whose label that supplier's mapping knows.
    `plan` is what stock_pipeline.ebay.plan made. Every snapshot is named by its partition's literal values, so
    Athena reads those partitions and no others; the stock is aggregated before the join, so that the join
    meets one row for each label. -#}
{%- from "ebay/macros.jinja" import partitions_of, staging_properties, text_list -%}
{%- macro stock(which) -%}
    SELECT supplier, custom_label, min(quantity) AS quantity
    FROM supplier_stock
    WHERE {{ partitions_of(plan["snapshots"], which) }}
    GROUP BY supplier, custom_label
{%- endmacro -%}
CREATE TABLE {{ plan["staging_table"] }}
WITH (
{{ staging_properties(plan, ti) }}
) AS
WITH current_stock AS (
{{ stock("current") }}
),
previous_stock AS (
{{ stock("previous") }}
),
known_label AS (
    SELECT supplier, upper(trim(BOTH ' ' FROM custom_label)) AS custom_label
    FROM product
    WHERE supplier IN ({{ text_list(plan["suppliers_by_mapping"]) }})
    GROUP BY supplier, upper(trim(BOTH ' ' FROM custom_label))
    -- A part no one can name makes its label unknown, as it is to the snapshots.
    HAVING count_if(coalesce(trim(BOTH ' ' FROM part_number), '') = '') = 0
),
listing AS (
    SELECT item_id, custom_label, upper(trim(BOTH ' ' FROM custom_label)) AS label, supplier, ebay_store
    FROM store
    WHERE supplier IN ({{ text_list(plan["snapshots"] | map(attribute="supplier")) }})
      AND trim(BOTH ' ' FROM custom_label) <> ''
)
SELECT
    listing.item_id,
    CAST(coalesce(current_stock.quantity, 0) - coalesce(previous_stock.quantity, 0) AS integer) AS quantity_delta,
    CAST(coalesce(current_stock.quantity, 0) AS integer) AS quantity,
    listing.custom_label,
    listing.supplier AS supplier_store,
    listing.ebay_store
FROM listing
LEFT JOIN current_stock
    ON current_stock.supplier = listing.supplier AND current_stock.custom_label = listing.label
LEFT JOIN previous_stock
    ON previous_stock.supplier = listing.supplier AND previous_stock.custom_label = listing.label
LEFT JOIN known_label
    ON known_label.supplier = listing.supplier AND known_label.custom_label = listing.label
WHERE known_label.custom_label IS NOT NULL
   OR listing.supplier IN ({{ text_list(plan["suppliers_knowing_every_label"]) }})
