{#- What must hold before the mapping is published, and what it is judged by: a row for each check, in the
    columns check_name, subject, figure, bound, passed. Rows without a bound are counts for the report. The
    shares and each supplier_lost always pass here: the mapping is held afterwards if a figure is above its
    bound and nobody has released it. -#}
{%- set limits = plan["limits"] -%}
WITH old AS (
    SELECT supplier, count(*) AS times
    FROM product
    GROUP BY supplier
),
new AS (
    SELECT supplier, count(*) AS times
    FROM {{ plan["staging_table"] }}
    GROUP BY supplier
),
mapped AS (
    SELECT
        coalesce(new.supplier, old.supplier) AS supplier,
        coalesce(old.times, 0) AS rows_before,
        coalesce(new.times, 0) AS rows_after
    FROM old
    FULL JOIN new ON new.supplier = old.supplier
),
whole AS (
    SELECT
        coalesce(sum(rows_after), 0) AS mappings,
        coalesce(sum(rows_before), 0) AS mappings_before,
        count_if(rows_after > 0) AS suppliers
    FROM mapped
),
part AS (
    SELECT
        coalesce(sum(times - 1), 0) AS repeated,
        count_if(custom_label IS NULL OR custom_label = '' OR part_number IS NULL OR part_number = ''
                 OR supplier IS NULL OR supplier = '') AS faults,
        count(DISTINCT custom_label) AS labels
    FROM (
        SELECT custom_label, part_number, supplier, count(*) AS times
        FROM {{ plan["staging_table"] }}
        GROUP BY custom_label, part_number, supplier
    ) AS grouped
)
{%- macro check(name, figure, bound, passed, source) %}
SELECT '{{ name }}' AS check_name, 'product' AS subject, CAST({{ figure }} AS double) AS figure,
       CAST({{ bound }} AS double) AS bound, {{ passed }} AS passed
FROM {{ source }}
UNION ALL
{%- endmacro %}
{{- check("mappings", "mappings", plan["accepted"], "mappings = " ~ plan["accepted"], "whole") }}
{{- check("mappings_before", "mappings_before", "NULL", "TRUE", "whole") }}
{{- check("suppliers", "suppliers", "NULL", "suppliers >= 1", "whole") }}
{{- check("labels", "labels", "NULL", "labels >= 1", "part") }}
{{- check("mappings_repeated", "repeated", 0, "repeated = 0", "part") }}
{{- check("values_missing", "faults", 0, "faults = 0", "part") }}
{{- check("lost_share", "coalesce(CAST(greatest(mappings_before - mappings, 0) AS double) / nullif(mappings_before, 0), 0)",
          limits["max_lost_share"], "TRUE", "whole") }}
SELECT 'lost_share_by_supplier', supplier, CAST(rows_before - rows_after AS double) / rows_before,
       CAST({{ limits["max_lost_share_by_supplier"] }} AS double), TRUE
FROM mapped
WHERE rows_after > 0 AND rows_after < rows_before AND rows_before >= {{ limits["min_rows"] }}
UNION ALL
SELECT 'supplier_lost', supplier, CAST(rows_before AS double), CAST(0 AS double), TRUE
FROM mapped
WHERE rows_after = 0
ORDER BY check_name, subject
