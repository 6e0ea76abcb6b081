"""How long each probe takes on wavenet-l, which is left untrained: its work is the same.

python -m docs.probe_times [PROBE ...]     all of them, or those that are named; the median of five in milliseconds
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from wavenames.checkpoints import pack, unpack
from wavenames.config import PRESETS, SamplingConfig
from wavenames.jobs.work import EXAMINED
from wavenames.models import Model, build
from wavenames.names import Membership, Packed, Split, Vocabulary, bundled, split
from wavenames.probes.embeddings import follow
from wavenames.probes.health import copied, examine
from wavenames.probes.influence import gradient_times_input
from wavenames.probes.memorisation import nearest, shelf
from wavenames.probes.occlusion import occlusion
from wavenames.probes.surprisal import surprisal
from wavenames.probes.units import Switched, activations, telling_contexts, unit_layers
from wavenames.probes.wiring import sharing, wiring
from wavenames.sampling import sample
from wavenames.store import WEIGHT_BYTES
from wavenames.training import evaluate

ROUNDS = 5
NAME = "bartholomew"


def names_and_model(preset: str = "wavenet-l") -> tuple[Split, Vocabulary, Model]:
    """The list that ships, and an untrained model."""
    names = bundled("ssa-2018").names
    vocabulary = Vocabulary.of(names)
    return split(names), vocabulary, build(PRESETS[preset].model, vocabulary.size, seed=1).eval()


def occlusion_of(name: str) -> Callable[[], object]:
    """Every letter of a name hidden in turn."""
    _, vocabulary, model = names_and_model()
    return lambda: occlusion(model, vocabulary, name)


def units_seen() -> Callable[[], object]:
    """What all units of the last layer say on a thousand validation names, and where the first says most."""
    parts, vocabulary, model = names_and_model()
    layer, names = unit_layers(model)[-1], Packed(parts.validation[:1000], vocabulary)
    return lambda: telling_contexts(activations(model, layer, names)[:, 0], names, 8)


def unit_switched_off() -> Callable[[], object]:
    """The loss on a thousand validation names without one unit."""
    parts, vocabulary, model = names_and_model()
    switched, names = Switched(model, unit_layers(model)[-1]), Packed(parts.validation[:1000], vocabulary)
    switched.held = 0, 0.0
    return lambda: evaluate(switched.model, names)


def wiring_of_a_name() -> Callable[[], object]:
    """Connections, what all nodes do, and the receptive field of every node, for a name of eleven letters."""
    _, vocabulary, model = names_and_model()

    def probe() -> None:
        found = wiring(model, vocabulary, NAME)
        for row in range(len(found.layers)):
            for place in range(len(found.context)):
                found.field(row, place)

    return probe


def influence_on_a_name() -> Callable[[], object]:
    """Gradient times input of every letter on every place of the same name."""
    _, vocabulary, model = names_and_model()
    return lambda: gradient_times_input(model, vocabulary, NAME)


def tree_and_stack() -> Callable[[], object]:
    """The joints of tree-76k and its dilated stack counted, and their logits compared, over the same name."""
    _, vocabulary, tree = names_and_model("tree-76k")
    return lambda: sharing(tree, vocabulary, NAME)  # type: ignore[arg-type]  # the preset is a tree


def name_through_steps() -> Callable[[], object]:
    """A name read by the model of each step that a run of this size keeps, its weights unpacked first."""
    _, vocabulary, model = names_and_model()
    data, kept = pack(model.state_dict(), {}), steps_kept()

    def probe() -> None:
        for _ in range(kept):
            again = build(PRESETS["wavenet-l"].model, vocabulary.size)
            again.load_state_dict(unpack(data)[0])
            surprisal(again.eval(), vocabulary, NAME)

    return probe


def letters_followed() -> Callable[[], object]:
    """The letters' way through as many steps, each turned to fit the next."""
    letters = np.random.default_rng(1).normal(size=(27, 64))
    frames = [letters + 0.05 * step * letters[::-1] for step in range(steps_kept())]
    return lambda: follow(frames)


def steps_kept() -> int:
    """Of a run of wavenet-l."""
    _, _, model = names_and_model()
    return WEIGHT_BYTES // len(pack(model.state_dict(), {}))


def thousand_samples() -> Callable[[], object]:
    """A thousand names drawn, and whether each stands in train."""
    parts, vocabulary, model = names_and_model()
    membership = Membership.of(parts)
    return lambda: sample(model, vocabulary, SamplingConfig(n=1000), membership)


def nearest_of_samples() -> Callable[[], object]:
    """The nearest of 24,168 training names for each of those thousand, which are long and like none of them."""
    parts, vocabulary, model = names_and_model()
    drawn = sample(model, vocabulary, SamplingConfig(n=1000), Membership.of(parts)).names
    names = [each.name for each in drawn]
    return lambda: nearest(names, shelf(parts.train))


def nearest_of_held_out() -> Callable[[], object]:
    """The same for a thousand held-out names."""
    parts, _, _ = names_and_model()
    return lambda: nearest(parts.validation[:1000], shelf(parts.train))


def look_at_health() -> Callable[[], object]:
    """One look at the health of a run: names forward and back, and the figures."""
    parts, vocabulary, model = names_and_model()
    names, weights = Packed(parts.train[:EXAMINED], vocabulary).batch(torch.arange(EXAMINED)), copied(model)
    return lambda: examine(model, names, weights)


PROBES: dict[str, Callable[[], Callable[[], object]]] = {
    "occlusion of a name of 8 letters": lambda: occlusion_of("isabella"),
    "occlusion of a name of 12 letters": lambda: occlusion_of("maximilianaa"),
    "occlusion of a name of 60 letters": lambda: occlusion_of("maximilian" * 6),
    "units of a layer on a thousand names": units_seen,
    "loss of a thousand names without one unit": unit_switched_off,
    "wiring": wiring_of_a_name,
    "gradient times input": influence_on_a_name,
    "tree and stack (tree-76k)": tree_and_stack,
    "a name through the steps of a run": name_through_steps,
    "letters followed through them": letters_followed,
    "a look at health": look_at_health,
    "a thousand samples": thousand_samples,
    "their nearest training names": nearest_of_samples,
    "nearest training names of a thousand held-out names": nearest_of_held_out,
}
"""What is timed: each function makes ready and gives what is to be called."""


def main() -> None:
    """Print a line for each probe."""
    for name in sys.argv[1:] or PROBES:
        probe, times = PROBES[name](), []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            probe()
            times.append(time.perf_counter() - began)
        print(f"{name}: {1000 * statistics.median(times):.0f} ms")


if __name__ == "__main__":
    main()
