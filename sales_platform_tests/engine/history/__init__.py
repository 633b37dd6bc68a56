"""The history scenarios: files are loaded, dimensions refreshed, tables read. No engine function is called but the doors."""
