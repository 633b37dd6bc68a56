"""How rows move, are judged and become history: PostgreSQL in, PostgreSQL out. Knows contracts, neither
Dagster nor a domain.
"""
