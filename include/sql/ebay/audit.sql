{#- What must hold before the staging table is published: a row for each check, in the columns check_name,
    subject, figure, bound, passed. Those of the subject ebay look at all rows at once; then comes a share
    for each supplier and for each store. -#}
{%- set plan = ti.xcom_pull(task_ids="plan_table") -%}
{%- set limits = plan["limits"] -%}
WITH listing AS (
    SELECT
        ebay_store,
        item_id,
        min(supplier_store) AS supplier_store,
        count(*) AS times,
        count_if(quantity IS NULL OR quantity_delta IS NULL OR custom_label IS NULL OR supplier_store IS NULL
                 OR item_id IS NULL) AS blanks,
        count_if(quantity < 0 OR quantity - quantity_delta < 0) AS negatives,
        count_if(quantity_delta <> 0) AS changed,
        count_if(quantity = 0 AND quantity_delta < 0) AS to_zero
    FROM {{ plan["staging_table"] }}
    GROUP BY ebay_store, item_id
),
whole AS (
    SELECT
        count(*) AS listings,
        count(DISTINCT ebay_store) AS stores,
        coalesce(sum(times - 1), 0) AS repeated,
        coalesce(sum(blanks), 0) AS blanks,
        coalesce(sum(negatives), 0) AS negatives,
        coalesce(sum(changed), 0) AS changed
    FROM listing
),
share AS (
    SELECT 'share_to_zero_by_supplier' AS check_name, supplier_store AS subject, count(*) AS listings,
           sum(to_zero) AS to_zero, {{ limits["max_share_to_zero_by_supplier"] }} AS bound
    FROM listing
    GROUP BY supplier_store
    UNION ALL
    SELECT 'share_to_zero_by_store', ebay_store, count(*), sum(to_zero), {{ limits["max_share_to_zero_by_store"] }}
    FROM listing
    GROUP BY ebay_store
)
SELECT 'listings' AS check_name, 'ebay' AS subject, CAST(listings AS double) AS figure,
       CAST(1 AS double) AS bound, listings >= 1 AS passed
FROM whole
UNION ALL
SELECT 'listings_changed', 'ebay', CAST(changed AS double), CAST(listings AS double), TRUE FROM whole
UNION ALL
SELECT 'stores', 'ebay', CAST(stores AS double), CAST(100 AS double), stores <= 100 FROM whole
UNION ALL
SELECT 'listings_repeated', 'ebay', CAST(repeated AS double), CAST(0 AS double), repeated = 0 FROM whole
UNION ALL
SELECT 'values_missing', 'ebay', CAST(blanks AS double), CAST(0 AS double), blanks = 0 FROM whole
UNION ALL
SELECT 'quantities_negative', 'ebay', CAST(negatives AS double), CAST(0 AS double), negatives = 0 FROM whole
UNION ALL
SELECT check_name, subject, CAST(to_zero AS double) / listings, CAST(bound AS double),
       listings < {{ limits["min_listings"] }} OR CAST(to_zero AS double) / listings <= bound
FROM share
ORDER BY check_name, subject
