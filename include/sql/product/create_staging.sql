{#- The mapping as one file, sorted by supplier, label and part. `plan` is what read_product returned.
    As for the stores, a window sorts, because Athena ignores ORDER BY here; one bucket has one writer. -#}
CREATE TABLE {{ plan["staging_table"] }}
WITH (
    format = 'PARQUET',
    write_compression = 'ZSTD',
    external_location = '{{ plan["staging_location"] }}try={{ ti.try_number }}/',
    bucketed_by = ARRAY['custom_label'],
    bucket_count = 1
) AS
WITH placed AS (
    SELECT custom_label, part_number, supplier,
           row_number() OVER (ORDER BY supplier, custom_label, part_number) AS place
    FROM {{ plan["upload_table"] }}
)
SELECT custom_label, part_number, supplier
FROM placed
-- Without a use for it the window would be left out.
WHERE place >= 1
