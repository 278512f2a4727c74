{#- A store with its file merged in, under the partitions it will have. `plan` is what read_store returned. A
    row of the file replaces the listing of that item_id, whichever supplier's it was; a rejected row leaves its
    listing as it is; a listing that the file does not name stays, unless the file is the store's full list.

    Athena ignores ORDER BY here and has no sorted_by. A window gives each supplier's rows out in its own
    order, and the one bucket has a single writer for them, so the files are sorted by label, which halves
    what reading a column of them takes. Nothing but speed depends on it. -#}
{%- set columns = ["item_id", "custom_label", "title", "current_price", "prefix", "uk_rtg", "fps_wds_dir",
                   "payment_profile_name", "shipping_profile_name", "return_profile_name"] -%}
CREATE TABLE {{ plan["staging_table"] }}
WITH (
    format = 'PARQUET',
    write_compression = 'ZSTD',
    external_location = '{{ plan["staging_location"] }}try={{ ti.try_number }}/',
    partitioned_by = ARRAY['ebay_store', 'supplier'],
    bucketed_by = ARRAY['item_id'],
    bucket_count = 1
) AS
WITH uploaded AS (
    SELECT item_id, bool_or(accepted) AS accepted
    FROM {{ plan["upload_table"] }}
    GROUP BY item_id
),
listing AS (
    SELECT {{ columns | join(", ") }}, supplier
    FROM {{ plan["upload_table"] }}
    WHERE accepted
    UNION ALL
    SELECT store.{{ columns | join(", store.") }}, store.supplier
    FROM store
    LEFT JOIN uploaded ON uploaded.item_id = store.item_id
    WHERE store.ebay_store = '{{ plan["store"] }}'
      AND {{ "NOT uploaded.accepted" if plan["replace_store"] else "NOT coalesce(uploaded.accepted, FALSE)" }}
),
placed AS (
    SELECT {{ columns | join(", ") }}, supplier,
           row_number() OVER (PARTITION BY supplier ORDER BY custom_label, item_id) AS place
    FROM listing
)
SELECT {{ columns | join(", ") }}, '{{ plan["store"] }}' AS ebay_store, supplier
FROM placed
-- Without a use for it the window would be left out.
WHERE place >= 1
-- For engines that heed it; a window alone may hand out its rows in parallel.
ORDER BY supplier, place
