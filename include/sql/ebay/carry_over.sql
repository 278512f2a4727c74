{#- The staged table once more, with the published rows of the suppliers in `plan["carried_over"]` in place of
    their new ones. A listing counts for its new supplier, as in the audit, so that each listing stays once. -#}
{%- from "ebay/macros.jinja" import staging_properties, text_list -%}
{%- macro is_carried() -%}
coalesce(staged.supplier_store, ebay.supplier_store) IN ({{ text_list(plan["carried_over"]) }})
{%- endmacro -%}
CREATE TABLE {{ plan["staging_table"] }}
WITH (
{{ staging_properties(plan, ti) }}
) AS
SELECT
{%- for column in ["item_id", "quantity_delta", "quantity", "custom_label", "supplier_store", "ebay_store"] %}
    {{ "" if loop.first else ", " }}CASE WHEN {{ is_carried() }} THEN ebay.{{ column }} ELSE staged.{{ column }} END AS {{ column }}
{%- endfor %}
FROM {{ plan["replaced_table"] }} AS staged
FULL OUTER JOIN ebay ON ebay.ebay_store = staged.ebay_store AND ebay.item_id = staged.item_id
WHERE CASE WHEN {{ is_carried() }} THEN ebay.item_id ELSE staged.item_id END IS NOT NULL
