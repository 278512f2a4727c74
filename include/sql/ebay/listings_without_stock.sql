{#- Labels of listings that are not in the ebay table, because no supplier has them: eBay is never told how many
    there are. The result is a CSV for staff, with why. -#}
{%- from "ebay/macros.jinja" import text_list -%}
WITH listed AS (
    SELECT supplier, upper(trim(BOTH ' ' FROM custom_label)) AS custom_label, count(*) AS listings,
           min(item_id) AS example_item_id
    FROM store
    GROUP BY supplier, upper(trim(BOTH ' ' FROM custom_label))
),
supplied AS (
    SELECT supplier_store AS supplier, upper(trim(BOTH ' ' FROM custom_label)) AS custom_label
    FROM {{ plan["staging_table"] }}
    GROUP BY supplier_store, upper(trim(BOTH ' ' FROM custom_label))
)
SELECT
    listed.supplier,
    listed.custom_label,
    listed.listings,
    listed.example_item_id,
    CASE
        WHEN listed.custom_label IS NULL OR listed.custom_label = '' THEN 'the listing has no custom label'
        WHEN listed.supplier NOT IN ({{ text_list(plan["snapshots"] | map(attribute="supplier")) }})
        THEN 'no feed of this supplier has been accepted yet'
        ELSE 'the product table does not know this label for this supplier'
    END AS reason
FROM listed
LEFT JOIN supplied ON supplied.supplier = listed.supplier AND supplied.custom_label = listed.custom_label
WHERE supplied.supplier IS NULL
ORDER BY listed.supplier, listed.custom_label
