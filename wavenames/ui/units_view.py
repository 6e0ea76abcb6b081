"""One hidden unit: what excites it, what it says by letter and place, and the model without it."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from wavenames.checkpoints import Checkpoint
from wavenames.config import DataConfig, Refusal, SamplingConfig, signed
from wavenames.figures.units import ROW, costs_text, means_text, unit_costs, unit_means
from wavenames.models import Model
from wavenames.names import Packed, Vocabulary
from wavenames.probes.units import Layer, Switched, activations, means, telling_contexts, unit_layers
from wavenames.sampling import sample
from wavenames.training import Evaluation, evaluate, mean_and_error
from wavenames.ui.dice import same_dice
from wavenames.ui.links import linked_pick
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import data_in_words
from wavenames.ui.name_rows import contexts_html, pairs_html
from wavenames.ui.session import Trained, checkpoint, find_split, model
from wavenames.ui.words import plain

NAMES, TARGETS = 1000, 10_000
"""Validation names on which units are looked at, the first of the split, and the most letters that they may have."""
CONTEXTS = 12
PLACES, LETTERS = 14, 40
"""Columns and rows of the chart of means; of more places the first are shown, of more letters those read most."""
DRAWN, SHOWN, LONGEST = 200, 10, 14
"""Names drawn by the same dice, how many of those that change are shown, and the most letters of any."""
LAYER, UNIT = "units_layer", "units_unit"
"""Keys of what is chosen, in the session and in the link."""
ASKED, STOPPED = "units_asked", "units_stopped"
"""Session keys: all units of the layer are to be switched off in turn; of which model and layer that was stopped."""
KINDS = {"tanh": "units after tanh", "gate": "gated units", "memory": "numbers of memory", "block": "features"}
"""What the units of each kind of layer are called."""
HALVES = (4, 5)
"""How the page is parted in two."""
CLEAR = 2
"""Standard errors from which on a cost is said to be one."""
AT_ONCE, PASS = 5e6, 20_000
"""Parameters to pass in all, for each unit, up to which nobody has to ask: half a second or so. A pass costs as much
as that many parameters besides."""
LOOK = 0.25
"""Seconds between two looks at the Stop button while all units are switched off in turn."""


@dataclass(frozen=True, eq=False)
class Watched:
    """A layer of a trained model on validation names."""

    network: Model
    layer: Layer
    names: Packed
    values: Tensor
    """(N, units) what each unit says at each place."""
    before: Evaluation
    """Of the model as it is."""


def units_view(chosen: Trained) -> None:
    """Layer and unit, and all that is to be seen of it."""
    kept, network = checkpoint(chosen.key), model(chosen.key)
    layers = _layers(network)
    if not layers:
        st.info(f"{plain(chosen.title)} counts letters and has no hidden units. Choose a neural model.")
        return
    which, whose = st.columns(2)
    with which:
        titles = {str(i): f"{i}. {layer.units} {KINDS[layer.kind]}" for i, layer in enumerate(layers, start=1)}
        explained = "In the order in which a model works them out; at first the last one."
        number = linked_pick("Layer", titles, key=LAYER, default=str(len(layers)), explained=explained)
    layer = layers[int(number) - 1]
    try:
        watched = _watched(network, layer, kept.run.data, kept.vocabulary)
    except Refusal as refusal:
        st.warning(plain(f"The names that {chosen.title} learned from are not to be had. {refusal}"))
        return
    what, costs = (chosen.key, number), _costs(watched)
    at_once = layer.units * (network.parameter_count + PASS) <= AT_ONCE and st.session_state.get(STOPPED) != what
    if at_once and len(costs) < layer.units and ASKED not in st.session_state:
        place = st.empty()
        with place.container(horizontal=True, vertical_alignment="center"):
            stop, bar = st.empty(), st.empty()
        _measure(watched, stop, bar, what)
        place.empty()
    with whose:
        usual = max(costs, key=lambda unit: costs[unit][0]) if len(costs) == layer.units else _liveliest(watched)[0]
        numbers = {f"{number}-{unit}": f"unit {unit}" for unit in range(1, layer.units + 1)}
        explained = "At first the one that this layer needs most; where that is not known, the one that changes most."
        word = linked_pick("Unit", numbers, key=UNIT, default=f"{number}-{usual + 1}", explained=explained)
    unit = int(word.split("-")[1]) - 1
    told = " The model, which can be told sex or year of birth, is told neither." if network.conditions else ""
    st.caption(
        f"On the first {len(watched.names):,} validation names of {plain(data_in_words(kept.run.data))}.{told}"
    )
    _sees(watched, unit)
    left, right = st.columns(HALVES, gap="large")
    with left:
        _without(watched, unit, kept)
    with right:
        picked = _every(watched, unit, chosen, what)
    if picked is not None and picked != unit:
        st.session_state[UNIT] = f"{number}-{picked + 1}"
        st.rerun()


@lru_cache(maxsize=16)  # each keeps its model
def _layers(network: Model) -> tuple[Layer, ...]:
    return unit_layers(network)


@lru_cache(maxsize=8)
def _watched(network: Model, layer: Layer, data: DataConfig, vocabulary: Vocabulary) -> Watched:
    """Refuses names that this server no longer has, or that have other letters than the model knows."""
    first = find_split(data).validation[:NAMES]
    fitting = sum(letters <= TARGETS for letters in itertools.accumulate(len(name) + 1 for name in first))
    names = Packed(first[:fitting], vocabulary)
    return Watched(network, layer, names, activations(network, layer, names), evaluate(network, names))


# ------------------------------------------------------------------------------------------------------ what it sees


def _sees(watched: Watched, unit: int) -> None:
    """The unit's mean by letter and place, and the contexts after which it says most and least."""
    values, symbols = watched.values[:, unit], watched.names.vocabulary.symbols
    found = means(values, watched.names)
    read = found.counts.sum(1)
    rows = sorted(sorted(range(len(symbols)), key=lambda i: -int(read[i]))[:LETTERS])
    table, counts = found.table[rows, :PLACES], found.counts[rows, :PLACES]
    letters = [symbols[i] for i in rows]
    left, right = st.columns(HALVES, gap="large")
    with left:
        live_plot(
            unit_means(letters, table.numpy(), counts.numpy()), key="units_means", height=110 + ROW * len(rows),
            text=means_text(f"Mean activation of unit {unit + 1}", letters, table.numpy(), counts.numpy()),
        )  # fmt: skip
    with right:
        st.markdown("What it says after these letters, the framed one just read.")
        with st.grid(2, min_column_width=220, gap="small", key="units_contexts"):
            for head, highest in (("Highest", True), ("Lowest", False)):
                contexts = telling_contexts(values, watched.names, CONTEXTS, highest=highest)
                st.html(contexts_html(head, [(each.letters, each.activation) for each in contexts]))


# ----------------------------------------------------------------------------------------------------- switching off


_COSTS: WeakKeyDictionary[Model, dict[Layer, dict[int, tuple[float, float]]]] = WeakKeyDictionary()
"""Costs and errors of units that were switched off, for as long as the server holds the model."""


def _costs(watched: Watched) -> dict[int, tuple[float, float]]:
    return _COSTS.setdefault(watched.network, {}).setdefault(watched.layer, {})


def _cost(watched: Watched, switched: Switched, unit: int) -> tuple[float, float]:
    """Nats per letter that the loss rises when a unit is held at its mean, and the standard error of that."""
    switched.held = unit, float(watched.values[:, unit].mean())
    costs = _costs(watched)
    if unit not in costs:
        after = evaluate(switched.model, watched.names)
        costs[unit] = mean_and_error(after.per_name - watched.before.per_name, after.lengths, after.name_ids)
    return costs[unit]


def _without(watched: Watched, unit: int, kept: Checkpoint) -> None:
    """The loss without the unit, and names by the same dice with and without it."""
    st.header("Switched off", anchor=False)
    switched = Switched(watched.network, watched.layer)
    cost, error = _cost(watched, switched, unit)
    clear = "" if abs(cost) >= CLEAR * error else ", no difference that these names can show"
    st.markdown(
        f"Without unit {unit + 1}, the validation loss of these names goes from {watched.before.loss:.3f} to "
        f"**{watched.before.loss + cost:.3f}**: {signed(cost, 4)} ± {error:.4f} nats per letter, paired over "
        f"names{clear}.",
        help="Switched off means held at its mean over these names. At 0, what comes after it would also miss a "
        "constant that it has learned to rely on. Behind ± stands the standard error.",
    )
    seed = same_dice("units")
    try:
        options = SamplingConfig.checked(n=DRAWN, longest=LONGEST, seed=seed)
    except Refusal as refusal:
        st.error(plain(str(refusal)))
        return
    drawn = [
        [each.name for each in sample(one, kept.vocabulary, options, kept.membership).names]
        for one in (watched.network, switched.model)
    ]
    changed = [(one, other) for one, other in zip(*drawn, strict=True) if one != other]
    if not changed:
        st.markdown(f"All {DRAWN} names stay as they were.")
        return
    first = f", the first {SHOWN}" if len(changed) > SHOWN else ""
    st.markdown(f"{len(changed)} of {DRAWN} names change{first}:")
    st.html(pairs_html(["All units", f"Without unit {unit + 1}"], changed[:SHOWN]))


# --------------------------------------------------------------------------------------------------------- all units


def _every(watched: Watched, unit: int, chosen: Trained, what: tuple[str, str]) -> int | None:
    """What each unit costs that has been switched off, and a way to the rest; gives the unit of a bar just chosen."""
    st.header("All units of this layer", anchor=False)
    asked = st.session_state.pop(ASKED, False)
    costs, units = dict(_costs(watched)), watched.layer.units
    some = 1 < len(costs) < units
    if some:
        st.markdown(f"**{len(costs)} of {units} units** have been switched off; the others are not in this chart.")
    elif len(costs) < units:
        st.markdown(f"Switch each of the {units} units off in turn, to see which this layer needs.")
    if len(costs) < units:
        label, icon = ("Go on", ":material/play_arrow:") if some else ("Switch off each", ":material/toggle_off:")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(label, icon=icon, key="units_every", on_click=_ask, disabled=asked)
            stop, bar = st.empty(), st.empty()
        if asked:
            _measure(watched, stop, bar, what)
            st.rerun()  # the unit that stands above may be another one now
    if len(costs) == 1 < units:
        return None
    title = f"What switching off each unit costs {chosen.title}, nats per letter"
    picked = live_plot(
        unit_costs(costs, unit, chosen.family), key="units_costs", height=330, on_click=True,
        text=costs_text(f"{title}; {len(costs)} of {units} units" if some else title, costs),
    )  # fmt: skip
    st.caption("Choose a bar to look at its unit. The whiskers are standard errors, paired over names.")
    return int(picked) - 1 if picked in {str(number + 1) for number in costs} else None


def _ask() -> None:
    st.session_state[ASKED] = True
    st.session_state.pop(STOPPED, None)


def _stop(what: tuple[str, str]) -> None:
    st.session_state[STOPPED] = what


def _liveliest(watched: Watched) -> list[int]:
    """All units, those whose activations differ most first."""
    order: list[int] = watched.values.std(0).argsort(descending=True, stable=True).tolist()
    return order


def _measure(watched: Watched, stop: DeltaGenerator, bar: DeltaGenerator, what: tuple[str, str]) -> None:
    """Find the cost of each unit that has none yet, the liveliest first.

    What the visitor does on the page meanwhile breaks in where the bar moves; what has been found then is kept.
    """
    switched, costs, looked = Switched(watched.network, watched.layer), _costs(watched), 0.0
    stop.button("Stop", icon=":material/stop:", key="units_stop", on_click=_stop, args=(what,))
    for unit in _liveliest(watched):
        if time.monotonic() - looked >= LOOK:
            looked = time.monotonic()
            done = len(costs)
            bar.progress(done / watched.layer.units, f"{done} of {watched.layer.units} units have been switched off")
        _cost(watched, switched, unit)
