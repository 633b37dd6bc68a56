"""The pages that people look at, drawn by Streamlit and Plotly from the registry of metrics. No SQL, no HTTP.

    app = dashboard_app(warehouse_url, dagster_url="http://127.0.0.1:3000")     # asgi.py; an ASGI application
    parent.mount("/", app)                                                       # last; enter app.lifespan() too

Modules: `asgi` the application, `app` the script that Streamlit runs per visit, `frame` what surrounds a page,
`asking` what a page asks of the warehouse, `wording` figures and days as text, `periods` and `filters` what a visitor
chooses, `theme` colours, `charts` figures of Plotly, `panels` a chart on the page with its download and its
explanation, `kpis` single figures, `states` what is drawn where there is no figure, `refresh` drawing again by itself,
`quality` and `banner` the state of the data, `trends` charts that several pages have, `views` one module for each
page (a folder `pages` Streamlit would take for its own).
"""
