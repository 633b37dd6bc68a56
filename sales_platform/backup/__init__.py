"""Backups: one snapshot of a database in a blob store, its manifest, the proof that it can be read, and its restore.

What a command shows and what Dagster schedules stand above; how rows become tables stands in the engine.
"""
