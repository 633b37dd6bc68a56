"""What a table is: pydantic models, the type vocabulary, the reading of `defs.yaml` documents. No other I/O."""
