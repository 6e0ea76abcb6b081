"""Data in, plotly figures out. Nothing here knows a model or a page."""
