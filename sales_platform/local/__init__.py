"""One machine: the embedded PostgreSQL server and who uses it. Nothing here knows a table or an asset."""
