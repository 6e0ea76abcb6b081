"""What `.streamlit/config.toml` can't say about the look of the pages."""

import streamlit as st

from wavenames.figures import evolution, lights, moment, tiles, windows
from wavenames.ui import name_rows

# Streamlit's own grey for captions falls short of a contrast of 4.5:1 on the light page.
CAPTIONS = """
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {
  color: light-dark(#22262bcc, #e8e6e1cc); opacity: 1;
}
"""

# Streamlit writes what is selected, and a slider's value, in the primary colour. White stands on that one on buttons,
# so at night it is too dark to be read as text: there the colour of links takes its place.
SELECTED = """
:is([data-variant="segmented_control"], [data-testid="stTab"])[data-selected="true"] p,
[data-testid="stSliderThumbValue"] p {
  color: light-dark(#0f6b72, #6cc5cd);
}
"""

# Where Streamlit shows no focus, or too pale a one, or puts it on buttons that only a pointer brings to light.
FOCUS = """
:is([data-testid="stTopNavLink"], [data-testid="stTopNavSection"], [data-testid="stTopNavDropdownLink"],
[data-testid="stBaseButton-elementToolbar"]):focus-visible {
  outline: 2px solid light-dark(#0f6b72, #6cc5cd); outline-offset: -2px;
}
[data-testid="stElementToolbar"]:focus-within { opacity: 1; top: -2.75rem; z-index: 1; }
"""

# A table's buttons lie over what stands above it, and under a finger they come with any touch of the table: room is
# kept for them there.
TABLES = """
@media (pointer: coarse) {
  [data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) { margin-top: 1.75rem; }
}
"""

BELOW = "below"
"""Key of a container that is there on a phone only, where what stands beside on a desktop stands below."""
ONLY_ON_A_PHONE = f"@media (min-width: 640.1px) {{ .st-key-{BELOW} {{ display: none; }} }}"

STYLES = (
    tiles.STYLE,
    evolution.STYLE,
    lights.STYLE,
    moment.STYLE,
    windows.STYLE,
    name_rows.STYLE,
    CAPTIONS,
    SELECTED,
    FOCUS,
    TABLES,
    ONLY_ON_A_PHONE,
)


def apply_theme() -> None:
    """Add the style of letter tiles and name chips to the page; call once, before anything is drawn."""
    st.html(f"<style>{''.join(STYLES)}</style>")
