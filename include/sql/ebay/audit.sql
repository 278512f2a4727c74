{#- What must hold before the staging table is published: a row for each check, in the columns check_name,
    subject, figure, bound, passed, stops, listings, affected.

    The checks of the subject ebay look at all rows at once; one that does not pass stops everything. Then the
    table is compared with the published one, by supplier and by store: how many of the published listings go
    to zero, come back from it, change at all, or would be in the table no more. A supplier or store that does
    not pass keeps what is published of it and stops no one else. A supplier whose feed was released, or whose
    changes were accepted for this run, is not judged, nor does it count against a store. A supplier that
    would vanish from the table does not pass, however small it is: its snapshot may be lost.

    Each table is read once: an engine reads a WITH part again wherever it is named. -#}
{%- set limits = plan["limits"] -%}
{%- from "ebay/macros.jinja" import partitions_of, text_list -%}
{%- set movements = ["to_zero", "from_zero", "changed", "gone"] -%}
{%- set with_stock = plan["snapshots"] | selectattr("current") | map(attribute="supplier") | list -%}
WITH moved AS (
    SELECT
        coalesce(staged.ebay_store, ebay.ebay_store) AS ebay_store,
        coalesce(staged.supplier_store, ebay.supplier_store) AS supplier,
        coalesce(staged.supplier_store, ebay.supplier_store) IN ({{ text_list(plan["waived"]) }}) AS waived,
        CASE WHEN staged.times IS NULL THEN 0 ELSE 1 END AS staged,
        CASE WHEN ebay.item_id IS NULL THEN 0 ELSE 1 END AS published,
        coalesce(staged.times, 1) - 1 AS repeated,
        coalesce(staged.blanks, 0) AS blanks,
        coalesce(staged.negatives, 0) AS negatives,
        CASE WHEN ebay.quantity > 0 AND staged.quantity = 0 THEN 1 ELSE 0 END AS to_zero,
        CASE WHEN ebay.quantity = 0 AND staged.quantity > 0 THEN 1 ELSE 0 END AS from_zero,
        CASE WHEN ebay.quantity <> staged.quantity THEN 1 ELSE 0 END AS changed,
        CASE WHEN staged.times IS NULL THEN 1 ELSE 0 END AS gone
    FROM (
        SELECT
            ebay_store,
            item_id,
            min(supplier_store) AS supplier_store,
            min(quantity) AS quantity,
            count(*) AS times,
            count_if(quantity IS NULL OR quantity_delta IS NULL OR custom_label IS NULL
                     OR supplier_store IS NULL OR item_id IS NULL) AS blanks,
            count_if(quantity < 0 OR quantity - quantity_delta < 0) AS negatives
        FROM {{ plan["staging_table"] }}
        GROUP BY ebay_store, item_id
    ) AS staged
    FULL OUTER JOIN ebay ON ebay.ebay_store = staged.ebay_store AND ebay.item_id = staged.item_id
),
figures AS (
    SELECT
        CASE grouping(supplier, ebay_store) WHEN 1 THEN 'supplier' WHEN 2 THEN 'store' ELSE 'ebay' END AS kind,
        CASE grouping(supplier, ebay_store) WHEN 1 THEN supplier WHEN 2 THEN ebay_store ELSE 'ebay' END AS subject,
        coalesce(sum(staged), 0) AS staged,
        coalesce(sum(published), 0) AS published,
        count(DISTINCT CASE WHEN staged = 1 THEN ebay_store END) AS stores,
        coalesce(sum(repeated), 0) AS repeated,
        coalesce(sum(blanks), 0) AS blanks,
        coalesce(sum(negatives), 0) AS negatives
        {%- for movement in movements %},
        sum({{ movement }}) AS {{ movement }},
        sum(CASE WHEN waived THEN 0 ELSE {{ movement }} END) AS judged_{{ movement }}
        {%- endfor %}
    FROM moved
    GROUP BY GROUPING SETS ((), (supplier), (ebay_store))
),
measured AS (
    SELECT
        checks.check_name,
        checks.kind,
        checks.movement,
        checks.bound,
        figures.subject,
        figures.staged,
        CASE WHEN checks.kind = 'ebay' OR checks.movement = 'staged' THEN figures.staged ELSE figures.published
        END AS listings,
        CASE checks.movement
            {%- for name in ["staged", "stores", "repeated", "blanks", "negatives"] + movements %}
            WHEN '{{ name }}' THEN figures.{{ name }}
            {%- endfor %}
        END AS affected,
        CASE checks.movement
            {%- for name in movements %}
            WHEN '{{ name }}' THEN figures.judged_{{ name }}
            {%- endfor %}
            ELSE 0
        END AS judged,
        coalesce(figures.subject IN ({{ text_list(plan["waived"]) }}), FALSE) AS waived
    FROM figures
    JOIN (
        VALUES
            ('listings', 'ebay', 'staged', CAST(1 AS double)),
            ('stores', 'ebay', 'stores', 100),
            ('listings_repeated', 'ebay', 'repeated', 0),
            ('values_missing', 'ebay', 'blanks', 0),
            ('quantities_negative', 'ebay', 'negatives', 0),
            ('listings_by_store', 'store', 'staged', 1)
            {%- for movement in movements %}{% for kind in ["supplier", "store"] %},
            ('share_{{ movement }}_by_{{ kind }}', '{{ kind }}', '{{ movement }}', {{ limits["max_share_" ~ movement] }})
            {%- endfor %}{% endfor %}
    ) AS checks (check_name, kind, movement, bound) ON checks.kind = figures.kind
)
SELECT
    check_name,
    subject,
    CASE WHEN starts_with(check_name, 'share_') THEN CAST(affected AS double) / listings
         ELSE CAST(affected AS double) END AS figure,
    bound,
    CASE
        WHEN check_name = 'listings' THEN affected >= bound
        WHEN kind = 'ebay' THEN affected <= bound
        WHEN movement = 'staged' OR waived THEN TRUE
        WHEN kind = 'supplier' AND movement = 'gone' AND staged = 0 THEN FALSE
        ELSE listings < {{ limits["min_listings"] }} OR CAST(judged AS double) / listings <= bound
    END AS passed,
    kind = 'ebay' AS stops,
    listings,
    affected
FROM measured
WHERE kind = 'ebay' OR listings > 0
{%- if with_stock %}
UNION ALL
-- A snapshot that went while the table was made would have left zeros behind.
SELECT 'snapshot_empty_by_supplier', planned.supplier, CASE WHEN filled.supplier IS NULL THEN 1 ELSE 0 END, 0,
       filled.supplier IS NOT NULL, FALSE, 1, CASE WHEN filled.supplier IS NULL THEN 1 ELSE 0 END
FROM (VALUES {% for supplier in with_stock %}{{ "" if loop.first else ", " }}('{{ supplier | replace("'", "''") }}'){% endfor %}) AS planned (supplier)
LEFT JOIN (
    SELECT supplier
    FROM supplier_stock
    WHERE {{ partitions_of(plan["snapshots"], "current") }}
    GROUP BY supplier
) AS filled ON filled.supplier = planned.supplier
{%- endif %}
ORDER BY check_name, subject
