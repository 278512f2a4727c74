"""One supplier's stock feed, from the uploaded file to the snapshot."""
