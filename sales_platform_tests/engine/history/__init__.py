"""The history scenarios: files are loaded, dimensions refreshed, tables read. Only the engine's doors are called."""
