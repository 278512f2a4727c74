{#- What must hold before a store is published, and what it is judged by: a row for each check, in the columns
    check_name, subject, figure, bound, passed. Rows without a bound are counts for the report. The shares and
    each supplier_lost always pass here: the store is held afterwards if a figure is above its bound and
    no one has released it.

    Every row is read once: an engine reads a WITH part again wherever it is named. Of the other stores only
    the item ids are read. -#}
{%- set store, limits = plan["store"], plan["limits"] -%}
WITH listing AS (
    SELECT
        item_id,
        min(old_supplier) AS old_supplier,
        min(new_supplier) AS new_supplier,
        coalesce(min(old_label) <> min(new_label), FALSE) AS relabelled,
        coalesce(bool_or(accepted), FALSE) AS uploaded,
        max(is_elsewhere) AS is_elsewhere,
        sum(times) AS times,
        sum(faults) AS faults,
        sum(strays) AS strays
    FROM (
        SELECT
            item_id,
            supplier AS old_supplier,
            CAST(NULL AS varchar) AS new_supplier,
            upper(trim(BOTH ' ' FROM custom_label)) AS old_label,
            CAST(NULL AS varchar) AS new_label,
            CAST(NULL AS boolean) AS accepted,
            0 AS is_elsewhere,
            0 AS times,
            0 AS faults,
            0 AS strays
        FROM store
        WHERE ebay_store = '{{ store }}'
        UNION ALL
        SELECT item_id, NULL, NULL, NULL, NULL, NULL, 1, 0, 0, 0
        FROM store
        WHERE ebay_store <> '{{ store }}'
        UNION ALL
        SELECT item_id, NULL, NULL, NULL, NULL, accepted, 0, 0, 0, 0
        FROM {{ plan["upload_table"] }}
        UNION ALL
        SELECT
            item_id, NULL, supplier, NULL, upper(trim(BOTH ' ' FROM custom_label)), NULL, 0, 1,
            CASE WHEN item_id IS NULL OR custom_label IS NULL OR custom_label = '' OR current_price IS NULL
                      OR supplier IS NULL OR ebay_store IS NULL OR ebay_store <> '{{ store }}' THEN 1 ELSE 0 END,
            CASE WHEN item_id < 1 OR current_price <= 0 THEN 1 ELSE 0 END
        FROM {{ plan["staging_table"] }}
    ) AS source
    GROUP BY item_id
),
counted AS (
    -- The whole store, and each supplier by what it had and by what it will have.
    SELECT
        CASE WHEN grouping(old_supplier, new_supplier) = 3 THEN '{{ store }}'
             ELSE coalesce(old_supplier, new_supplier) END AS subject,
        CASE WHEN grouping(old_supplier, new_supplier) = 3 THEN 1 ELSE 0 END AS is_whole,
        CASE WHEN grouping(old_supplier, new_supplier) = 1 THEN count(old_supplier) ELSE 0 END AS had,
        CASE WHEN grouping(old_supplier, new_supplier) = 2 THEN count(new_supplier) ELSE 0 END AS will_have,
        count_if(times > 0) AS listings,
        count(old_supplier) AS listings_before,
        count_if(times > 0 AND old_supplier IS NULL) AS added,
        count_if(times = 0 AND old_supplier IS NOT NULL) AS removed,
        count_if(new_supplier <> old_supplier) AS moved,
        count_if(uploaded AND times > 0) AS merged,
        count_if(uploaded AND old_supplier IS NOT NULL) AS known,
        count_if(uploaded AND relabelled) AS relabelled,
        count_if(uploaded AND is_elsewhere = 1) AS of_other_stores,
        sum(greatest(times - 1, 0)) AS repeated,
        sum(faults) AS faults,
        sum(strays) AS strays
    FROM listing
    GROUP BY GROUPING SETS ((), (old_supplier), (new_supplier))
),
figures AS (
    SELECT
        subject,
        is_whole,
        sum(had) AS had,
        sum(will_have) AS will_have
        {%- for figure in ["listings", "listings_before", "added", "removed", "moved", "merged", "known",
                           "relabelled", "of_other_stores", "repeated", "faults", "strays"] %},
        CAST(coalesce(max({{ figure }}), 0) AS double) AS {{ figure }}
        {%- endfor %}
    FROM counted
    GROUP BY subject, is_whole
)
SELECT
    checks.check_name,
    figures.subject,
    CASE checks.check_name
        WHEN 'listings' THEN listings
        WHEN 'listings_before' THEN listings_before
        WHEN 'added' THEN added
        WHEN 'removed' THEN removed
        WHEN 'moved' THEN moved
        WHEN 'listings_merged' THEN merged
        WHEN 'listings_repeated' THEN repeated
        WHEN 'values_missing' THEN faults
        WHEN 'values_out_of_bounds' THEN strays
        WHEN 'lost_share' THEN coalesce(greatest(listings_before - listings, 0) / nullif(listings_before, 0), 0)
        WHEN 'moved_share' THEN IF(known < {{ limits["min_listings"] }}, 0, moved / nullif(known, 0))
        WHEN 'relabelled_share' THEN IF(known < {{ limits["min_listings"] }}, 0, relabelled / nullif(known, 0))
        WHEN 'other_stores_share' THEN of_other_stores / {{ plan["accepted"] }}
        WHEN 'supplier_lost' THEN had
    END AS figure,
    checks.bound,
    CASE checks.check_name
        WHEN 'listings' THEN listings >= 1
        WHEN 'listings_merged' THEN merged = checks.bound
        WHEN 'listings_repeated' THEN repeated = 0
        WHEN 'values_missing' THEN faults = 0
        WHEN 'values_out_of_bounds' THEN strays = 0
        ELSE TRUE
    END AS passed
FROM figures
JOIN (
    VALUES
        ('listings', 1, CAST(NULL AS double)),
        ('listings_before', 1, NULL),
        ('added', 1, NULL),
        ('removed', 1, NULL),
        ('moved', 1, NULL),
        ('listings_merged', 1, {{ plan["accepted"] }}),
        ('listings_repeated', 1, 0),
        ('values_missing', 1, 0),
        ('values_out_of_bounds', 1, 0),
        ('lost_share', 1, {{ limits["max_lost_share"] }}),
        ('moved_share', 1, {{ limits["max_moved_share"] }}),
        ('relabelled_share', 1, {{ limits["max_relabelled_share"] }}),
        ('other_stores_share', 1, {{ limits["max_share_of_other_stores"] }}),
        ('supplier_lost', 0, 0)
) AS checks (check_name, is_whole, bound) ON checks.is_whole = figures.is_whole
WHERE figures.is_whole = 1 OR (figures.had > 0 AND figures.will_have = 0)
ORDER BY checks.check_name, figures.subject
