"""Tree and dilated stack, one function computed in two ways, and the MLP that takes no steps at all."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import streamlit as st

from wavenames.checkpoints import load_shipped
from wavenames.config import PRESETS, Refusal
from wavenames.figures.wiring import height_of, wiring_figure, wiring_text
from wavenames.models import Model, Tree, build, dilated_from_tree
from wavenames.probes.wiring import Sharing, sharing, wiring
from wavenames.ui.live_plot import live_plot
from wavenames.ui.session import model
from wavenames.ui.typed import as_known
from wavenames.ui.wiring_net import lit_of, net_of, wiring_rows
from wavenames.ui.words import plain

TREE, SQUEEZED = "tree-76k", "mlp-8-76k"
"""The tree that ships, and an MLP of as many letters and parameters."""
SAID = {
    "tree": "**Tree.** Every window anew: the numbers say how often each node is computed.",
    "dilated": "**Dilated stack.** Each node once: the {shared} shaded ones serve several predictions.",
    "mlp": "**MLP.** Eight letters squeezed at once, at each place anew. Only its wiring is drawn.",
}
CALLED = {"tree": "a tree", "dilated": "a dilated stack", "mlp": "an MLP"}


@st.cache_resource(show_spinner=False)
def _three() -> dict[str, Model]:
    """The tree, the stack with its weights, and the MLP, of which only the wiring is shown."""
    vocabulary = load_shipped(TREE).vocabulary
    tree = cast(Tree, model(TREE))
    mlp = build(PRESETS[SQUEEZED].model, vocabulary.size, seed=1).eval()
    return {"tree": tree, "dilated": dilated_from_tree(tree), "mlp": mlp}


def two_ways(name: str, place: int) -> None:
    """The three beside each other, for the prediction at `place`."""
    st.header("The same answer with less work", anchor=False)
    vocabulary, three = load_shipped(TREE).vocabulary, _three()
    try:
        name = as_known(name, vocabulary)
    except Refusal as refusal:
        st.info(plain(f"{TREE} can't read this name. {refusal}"))
        return
    counts = sharing(cast(Tree, three["tree"]), vocabulary, name)
    st.markdown(_said(counts, name))
    founds = {family: wiring(network, vocabulary, name) for family, network in three.items()}
    nets = {family: net_of(found, vocabulary, family, place) for family, found in founds.items()}
    shades = [[0.7 * (uses > 1) for uses in row[nets["tree"].first :]] for row in counts.uses.tolist()]
    times = [[str(uses) for uses in row[nets["tree"].first :]] for row in counts.uses.tolist()]
    once = [["1"] * len(row) for row in times]
    drawn = {
        "tree": replace(nets["tree"], strengths=shades, numbers=times),
        "dilated": replace(nets["dilated"], strengths=shades, numbers=once),
        "mlp": replace(nets["mlp"], following=[""] * len(nets["mlp"].letters)),
    }
    for column, (family, net) in zip(st.columns(3, gap="medium"), drawn.items(), strict=True):
        lit = lit_of(founds[family], place)
        with column:
            st.markdown(SAID[family].format(shared=counts.shared))
            live_plot(
                wiring_figure(net, lit), key=f"wiring_{family}", height=height_of(net),
                text=wiring_text(net, lit, f"Wiring of {CALLED[family]} over {name}, lit for letter {place + 1}"),
                rows=wiring_rows(founds[family], lit),
            )  # fmt: skip


def _said(counts: Sharing, name: str) -> str:
    return (
        f"{TREE} and a dilated stack with its very weights predict the letters of **{plain(name)}** and its end. "
        f"Their logits differ by {counts.difference:.0e} at most; the tree joins two nodes **{counts.tree}** times, "
        f"the stack **{counts.dilated}** times, those before the name included."
    )
