"""Router: page config, navigation, run. Start it with `streamlit run streamlit_app.py`."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

if __name__ == "__main__":  # A visit: the server runs this file as a script.
    from wavenames.ui.links import arrive, misspelt_said
    from wavenames.ui.words import refusals_said

    page = st.navigation(
        {
            "": [
                st.Page("pages/home_page.py", title="Home", default=True),
                st.Page("pages/names_page.py", title="Names", url_path="names"),
                st.Page("pages/train_page.py", title="Train", url_path="train"),
                st.Page("pages/sample_page.py", title="Sample", url_path="sample"),
            ],
            "See inside": [
                st.Page("pages/wiring_page.py", title="Wiring", url_path="wiring"),
                st.Page("pages/xray_page.py", title="X-ray", url_path="xray"),
                st.Page("pages/units_page.py", title="Units", url_path="units"),
                st.Page("pages/embeddings_page.py", title="Letters", url_path="embeddings"),
                st.Page("pages/steps_page.py", title="Steps", url_path="steps"),
                st.Page("pages/times_page.py", title="Times", url_path="times"),
                st.Page("pages/memory_page.py", title="Memory", url_path="memory"),
                st.Page("pages/health_page.py", title="Health", url_path="health"),
                st.Page("pages/break_page.py", title="Break it", url_path="break"),
            ],
            "Measured": [
                st.Page("pages/compare_page.py", title="Compare", url_path="compare"),
                st.Page("pages/results_page.py", title="Results", url_path="results"),
                st.Page("pages/claims_page.py", title="Claims", url_path="claims"),
            ],
        },
        position="top",
    )
    st.set_page_config(
        page_title=f"{page.title} · wavenames", page_icon="wavenames/ui/assets/icon.png", layout="wide"
    )
    arrive(page.url_path)
    with refusals_said(), misspelt_said():
        page.run()
else:  # The server's start: `streamlit run` finds `app` and imports this file before the first visit.
    # Streamlit takes a folder called pages/ for pages of the old kind until st.navigation has run once, and would
    # meet the first visit by a deep link with "Page not found".
    PagesManager.uses_pages_directory = False
    app = st.App(__file__)
