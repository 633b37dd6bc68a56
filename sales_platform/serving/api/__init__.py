"""The figures for programs: JSON and CSV under `/api`, read only. Nothing here computes a figure.

Modules: `routes` all of them together, one module per subject (`metrics`, `dimensions`, `marts`, `reports`,
`invoices`, `quality`, `status`, and `sells` for callers of the older API), `parameters` what callers say, `shapes` what
is answered, `answering` how a table becomes JSON or CSV, `validators` ETag and Last-Modified, `kept_answers` what was
answered before, `pages` a mart page by page, `cursors` where the next one begins, `tables` reading tables of the
warehouse, `problems` every error, `documents` the OpenAPI document and its page.
"""
