{#- Labels that a supplier's mapping knows and no store lists: what the seller could sell and does not. The
    result is a CSV for staff. -#}
{%- from "ebay/macros.jinja" import text_list -%}
WITH known_label AS (
    SELECT supplier, upper(trim(BOTH ' ' FROM custom_label)) AS custom_label, min(part_number) AS part_number
    FROM product
    WHERE supplier IN ({{ text_list(plan["suppliers_by_mapping"]) }})
    GROUP BY supplier, upper(trim(BOTH ' ' FROM custom_label))
),
listed AS (
    SELECT supplier, upper(trim(BOTH ' ' FROM custom_label)) AS custom_label
    FROM store
    WHERE supplier IN ({{ text_list(plan["suppliers_by_mapping"]) }})
    GROUP BY supplier, upper(trim(BOTH ' ' FROM custom_label))
)
SELECT known_label.supplier, known_label.custom_label, known_label.part_number
FROM known_label
LEFT JOIN listed
    ON listed.supplier = known_label.supplier AND listed.custom_label = known_label.custom_label
WHERE listed.custom_label IS NULL AND known_label.custom_label <> ''
ORDER BY known_label.supplier, known_label.custom_label
