"""What `.streamlit/config.toml` can't say about the look of the pages."""

import streamlit as st

from wavenames.figures import evolution, tiles, windows
from wavenames.ui import name_rows


def apply_theme() -> None:
    """Add the style of letter tiles and name chips to the page; call once, before anything is drawn."""
    st.html(f"<style>{tiles.STYLE}{evolution.STYLE}{windows.STYLE}{name_rows.STYLE}</style>")
