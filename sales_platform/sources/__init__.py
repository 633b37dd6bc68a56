"""The source systems: a folder per domain with its generator and importer. Nothing here loads a warehouse."""
