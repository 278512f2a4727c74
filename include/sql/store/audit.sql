{#- What must hold before a store is published, and what it is judged by: a row for each check, in the columns
    check_name, subject, figure, bound, passed. Rows without a bound are counts for the report. The shares and
    each supplier_lost always pass here: the store is held afterwards if a figure is above its bound and
    nobody has released it. -#}
{%- set store, limits = plan["store"], plan["limits"] -%}
WITH old AS (
    SELECT item_id, min(supplier) AS supplier
    FROM store
    WHERE ebay_store = '{{ store }}'
    GROUP BY item_id
),
new AS (
    SELECT
        item_id,
        min(supplier) AS supplier,
        count(*) AS times,
        count_if(item_id IS NULL OR custom_label IS NULL OR custom_label = '' OR current_price IS NULL
                 OR supplier IS NULL OR ebay_store IS NULL OR ebay_store <> '{{ store }}') AS faults,
        count_if(item_id < 1 OR current_price <= 0) AS strays
    FROM {{ plan["staging_table"] }}
    GROUP BY item_id
),
uploaded AS (
    SELECT item_id, bool_or(accepted) AS accepted
    FROM {{ plan["upload_table"] }}
    GROUP BY item_id
),
elsewhere AS (
    SELECT item_id
    FROM store
    WHERE ebay_store <> '{{ store }}'
    GROUP BY item_id
),
listing AS (
    SELECT
        old.supplier AS old_supplier,
        new.supplier AS new_supplier,
        coalesce(uploaded.accepted, FALSE) AS uploaded,
        elsewhere.item_id IS NOT NULL AS is_elsewhere,
        coalesce(new.times, 0) AS times,
        coalesce(new.faults, 0) AS faults,
        coalesce(new.strays, 0) AS strays
    FROM old
    FULL JOIN new ON new.item_id = old.item_id
    LEFT JOIN uploaded ON uploaded.item_id = coalesce(new.item_id, old.item_id)
    LEFT JOIN elsewhere ON elsewhere.item_id = new.item_id
),
whole AS (
    SELECT
        count(new_supplier) AS listings,
        count(old_supplier) AS listings_before,
        count_if(old_supplier IS NULL) AS added,
        count_if(new_supplier IS NULL) AS removed,
        count_if(new_supplier <> old_supplier) AS moved,
        count_if(uploaded AND new_supplier IS NOT NULL) AS merged,
        count_if(uploaded AND old_supplier IS NOT NULL) AS known,
        count_if(uploaded AND is_elsewhere) AS of_other_stores,
        coalesce(sum(greatest(times - 1, 0)), 0) AS repeated,
        coalesce(sum(faults), 0) AS faults,
        coalesce(sum(strays), 0) AS strays
    FROM listing
),
lost AS (
    SELECT old_supplier AS supplier, count(*) AS listings
    FROM listing
    WHERE old_supplier IS NOT NULL AND old_supplier NOT IN (SELECT supplier FROM new WHERE supplier IS NOT NULL)
    GROUP BY old_supplier
)
{%- macro check(name, figure, bound, passed) %}
SELECT '{{ name }}' AS check_name, '{{ store }}' AS subject, CAST({{ figure }} AS double) AS figure,
       CAST({{ bound }} AS double) AS bound, {{ passed }} AS passed
FROM whole
UNION ALL
{%- endmacro %}
{{- check("listings", "listings", "NULL", "listings >= 1") }}
{{- check("listings_before", "listings_before", "NULL", "TRUE") }}
{{- check("added", "added", "NULL", "TRUE") }}
{{- check("removed", "removed", "NULL", "TRUE") }}
{{- check("moved", "moved", "NULL", "TRUE") }}
{{- check("listings_merged", "merged", plan["accepted"], "merged = " ~ plan["accepted"]) }}
{{- check("listings_repeated", "repeated", 0, "repeated = 0") }}
{{- check("values_missing", "faults", 0, "faults = 0") }}
{{- check("values_out_of_bounds", "strays", 0, "strays = 0") }}
{{- check("lost_share", "coalesce(CAST(greatest(listings_before - listings, 0) AS double) / nullif(listings_before, 0), 0)",
          limits["max_lost_share"], "TRUE") }}
{{- check("moved_share", "IF(known < " ~ limits["min_listings"] ~ ", 0e0, CAST(moved AS double) / known)",
          limits["max_moved_share"], "TRUE") }}
{{- check("other_stores_share", "CAST(of_other_stores AS double) / " ~ plan["accepted"],
          limits["max_share_of_other_stores"], "TRUE") }}
SELECT 'supplier_lost', supplier, CAST(listings AS double), CAST(0 AS double), TRUE
FROM lost
ORDER BY check_name, subject
