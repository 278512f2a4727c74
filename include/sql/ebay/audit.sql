{#- What must hold before the staging table is published: a row for each check, in the columns check_name,
    subject, figure, bound, passed, listings, affected. Those of the subject ebay look at all rows at once; then
    the table is compared with the published one, by supplier and by store: how many of the published listings
    go to zero, come back from it, change at all, or would be in the table no more. A supplier whose feed was
    released, or whose changes were accepted for this run, is not judged, nor does it count against a store. -#}
{%- set limits = plan["limits"] -%}
{%- from "ebay/macros.jinja" import partitions_of, text_list -%}
{%- set movements = ["to_zero", "from_zero", "changed", "gone"] -%}
WITH listing AS (
    SELECT
        ebay_store,
        item_id,
        min(supplier_store) AS supplier_store,
        min(quantity) AS quantity,
        count(*) AS times,
        count_if(quantity IS NULL OR quantity_delta IS NULL OR custom_label IS NULL OR supplier_store IS NULL
                 OR item_id IS NULL) AS blanks,
        count_if(quantity < 0 OR quantity - quantity_delta < 0) AS negatives
    FROM {{ plan["staging_table"] }}
    GROUP BY ebay_store, item_id
),
whole AS (
    SELECT
        count(*) AS listings,
        count(DISTINCT ebay_store) AS stores,
        coalesce(sum(times - 1), 0) AS repeated,
        coalesce(sum(blanks), 0) AS blanks,
        coalesce(sum(negatives), 0) AS negatives
    FROM listing
),
filled_snapshot AS (
    -- A snapshot that went while the table was made would have left zeros behind.
    SELECT supplier
    FROM supplier_stock
    WHERE {{ partitions_of(plan["snapshots"], "current") }}
    GROUP BY supplier
),
moved AS (
    SELECT
        ebay.ebay_store,
        coalesce(listing.supplier_store, ebay.supplier_store) AS supplier,
        coalesce(listing.supplier_store, ebay.supplier_store) IN ({{ text_list(plan["waived"]) }}) AS waived,
        CASE WHEN ebay.quantity > 0 AND listing.quantity = 0 THEN 1 ELSE 0 END AS to_zero,
        CASE WHEN ebay.quantity = 0 AND listing.quantity > 0 THEN 1 ELSE 0 END AS from_zero,
        CASE WHEN ebay.quantity <> listing.quantity THEN 1 ELSE 0 END AS changed,
        CASE WHEN listing.item_id IS NULL THEN 1 ELSE 0 END AS gone
    FROM ebay
    LEFT JOIN listing ON listing.ebay_store = ebay.ebay_store AND listing.item_id = ebay.item_id
),
counted AS (
    SELECT 'supplier' AS kind, supplier AS subject, count(*) AS listings
    {%- for movement in movements %}, sum({{ movement }}) AS {{ movement }}
    , sum(CASE WHEN waived THEN 0 ELSE {{ movement }} END) AS judged_{{ movement }}
    {%- endfor %}
    FROM moved
    GROUP BY supplier
    UNION ALL
    SELECT 'store', ebay_store, count(*)
    {%- for movement in movements %}, sum({{ movement }})
    , sum(CASE WHEN waived THEN 0 ELSE {{ movement }} END)
    {%- endfor %}
    FROM moved
    GROUP BY ebay_store
)
SELECT 'listings' AS check_name, 'ebay' AS subject, CAST(listings AS double) AS figure,
       CAST(1 AS double) AS bound, listings >= 1 AS passed, listings, listings AS affected
FROM whole
UNION ALL
SELECT 'stores', 'ebay', CAST(stores AS double), CAST(100 AS double), stores <= 100, listings, stores FROM whole
UNION ALL
SELECT 'listings_repeated', 'ebay', CAST(repeated AS double), CAST(0 AS double), repeated = 0, listings, repeated
FROM whole
UNION ALL
SELECT 'values_missing', 'ebay', CAST(blanks AS double), CAST(0 AS double), blanks = 0, listings, blanks
FROM whole
UNION ALL
SELECT 'quantities_negative', 'ebay', CAST(negatives AS double), CAST(0 AS double), negatives = 0, listings,
       negatives
FROM whole
UNION ALL
SELECT 'snapshots_empty', 'ebay', CAST({{ plan["snapshots"] | length }} - count(*) AS double), CAST(0 AS double),
       count(*) = {{ plan["snapshots"] | length }}, {{ plan["snapshots"] | length }}, count(*)
FROM filled_snapshot
UNION ALL
SELECT 'listings_by_store', ebay_store, CAST(count(*) AS double), CAST(1 AS double), TRUE, count(*), count(*)
FROM listing
GROUP BY ebay_store
{%- for movement in movements %}
UNION ALL
SELECT 'share_{{ movement }}_by_' || kind, subject, CAST({{ movement }} AS double) / listings,
       CAST({{ limits["max_share_" ~ movement] }} AS double),
       listings < {{ limits["min_listings"] }}
           OR coalesce(subject IN ({{ text_list(plan["waived"]) }}), FALSE)
           OR CAST(judged_{{ movement }} AS double) / listings <= {{ limits["max_share_" ~ movement] }},
       listings, {{ movement }}
FROM counted
{%- endfor %}
ORDER BY check_name, subject
