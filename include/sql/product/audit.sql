{#- What must hold before the mapping is published: a row for each check, in the columns check_name, subject,
    figure, bound, passed. Rows without a bound are counts for the report. Whether the mapping is held is
    judged when it is read (stock_pipeline.refresh.judgement). -#}
WITH whole AS (
    SELECT count(*) AS mappings, count(DISTINCT supplier) AS suppliers
    FROM {{ plan["staging_table"] }}
),
before AS (
    SELECT count(*) AS mappings_before
    FROM product
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
{%- endmacro %}
{{- check("mappings", "mappings", plan["accepted"], "mappings = " ~ plan["accepted"], "whole") }}
UNION ALL
{{- check("mappings_before", "mappings_before", "NULL", "TRUE", "before") }}
UNION ALL
{{- check("suppliers", "suppliers", "NULL", "suppliers >= 1", "whole") }}
UNION ALL
{{- check("labels", "labels", "NULL", "labels >= 1", "part") }}
UNION ALL
{{- check("mappings_repeated", "repeated", 0, "repeated = 0", "part") }}
UNION ALL
{{- check("values_missing", "faults", 0, "faults = 0", "part") }}
ORDER BY check_name, subject
