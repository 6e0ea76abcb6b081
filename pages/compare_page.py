"""Compare: all runs and the models that ship in one table, what sets the chosen ones apart, what size buys."""

import streamlit as st

from wavenames.ui.compare_views import CHOSEN, MOST, actions, curves, differing, mixed, side_by_side, sizes, table
from wavenames.ui.links import linked_ids
from wavenames.ui.model_rows import model_rows, usual
from wavenames.ui.paired_view import paired_comparison
from wavenames.ui.theme import apply_theme

apply_theme()
# The button stands beside the title: right above the table the table's own buttons would cover it.
title, go = st.columns([4, 1], vertical_alignment="bottom")
title.title("Compare", anchor=False)
if go.button("Train a model", type="primary", icon=":material/model_training:", key="compare_train", width="stretch"):
    st.switch_page("pages/train_page.py")
rows = model_rows()
if any(row.is_run for row in rows):
    words = f"Every run of this server and every model that ships. Tick up to {MOST} to hold them side by side."
else:
    words = "These models ship with wavenames. Your runs will stand here beside them."
st.markdown(words)

by_key, titles = {row.key: row for row in rows}, {row.key: row.title for row in rows}
chosen = [by_key[key] for key in linked_ids(titles, key=CHOSEN, default=usual(rows), most=MOST)]
table(rows, [row.key for row in chosen])
side_by_side(chosen)
actions(rows, chosen)
mixed(chosen)
differing(chosen)
paired_comparison(chosen)
curves(chosen)
sizes(rows)
