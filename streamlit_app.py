"""Router: page config, navigation, run. Start it with `streamlit run streamlit_app.py`."""

import streamlit as st

st.set_page_config(page_title="wavenames", page_icon=":material/graphic_eq:", layout="wide")

# Each url_path differs from its file's stem: where they are equal, the first visit to a cold server by a deep
# link runs that file alone, without this router.
page = st.navigation(
    [
        st.Page("pages/home_page.py", title="Home", icon=":material/home:", url_path="home", default=True),
        st.Page("pages/names_page.py", title="Names", icon=":material/list_alt:", url_path="names"),
        st.Page("pages/train_page.py", title="Train", icon=":material/model_training:", url_path="train"),
        st.Page(
            "pages/compare_page.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"
        ),
        st.Page(
            "pages/embeddings_page.py",
            title="Embeddings",
            icon=":material/scatter_plot:",
            url_path="embeddings",
        ),
        st.Page("pages/sample_page.py", title="Sample", icon=":material/casino:", url_path="sample"),
    ]
)
page.run()
