"""The bucket and the catalog: tables, places, what is published and who may publish."""
