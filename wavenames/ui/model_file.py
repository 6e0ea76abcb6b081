"""A model as a file: take one along, or bring one."""

from __future__ import annotations

import streamlit as st

from wavenames.config import Refusal
from wavenames.ui.session import Trained, checkpoint, keep_upload
from wavenames.ui.words import not_used

REFUSED = "upload_refused"


def model_file(chosen: Trained, *, key: str) -> None:
    """Download the chosen model; upload another, which then stands in the chooser whose key is `key`."""
    st.download_button(
        "Download this model",
        checkpoint(chosen.key).to_bytes,
        f"{chosen.title}.safetensors",
        "application/octet-stream",
        icon=":material/download:",
        key="model_download",
        on_click="ignore",
        help="Weights, configuration, letters and results in one .safetensors file.",
    )
    visit = st.session_state.setdefault("models_brought", 0)  # a new key empties the upload
    file = st.file_uploader(
        "Bring a model: a .safetensors file that was downloaded here",
        type=["safetensors"],
        key=f"model_upload_{visit}",
        on_change=_take,
        args=(f"model_upload_{visit}", key),
    )
    if file is not None and (refused := st.session_state.get(REFUSED)):
        not_used(file.name, refused)


def _take(upload: str, chooser: str) -> None:
    st.session_state[REFUSED] = None
    file = st.session_state[upload]
    if file is None:
        return
    try:
        st.session_state[chooser] = keep_upload(file.getvalue())
        st.session_state["models_brought"] += 1
    except Refusal as refusal:
        st.session_state[REFUSED] = str(refusal)
