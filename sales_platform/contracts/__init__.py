"""What a table is: pydantic models, the type vocabulary, and the reading of `defs.yaml` documents. No I/O beyond that reading."""
