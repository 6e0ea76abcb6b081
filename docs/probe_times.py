"""How long each probe takes on wavenet-l, which is left untrained: its work is the same.

python -m docs.probe_times [PROBE ...]     all of them, or those that are named; the median of five in milliseconds
"""

import statistics
import sys
import time
from collections.abc import Callable

from wavenames.config import PRESETS, SamplingConfig
from wavenames.models import Model, build
from wavenames.names import Membership, Packed, Split, Vocabulary, bundled, split
from wavenames.probes.memorisation import nearest, shelf
from wavenames.probes.occlusion import occlusion
from wavenames.probes.units import Switched, activations, telling_contexts, unit_layers
from wavenames.sampling import sample
from wavenames.training import evaluate

ROUNDS = 5


def names_and_model() -> tuple[Split, Vocabulary, Model]:
    """The list that ships, and an untrained wavenet-l."""
    names = bundled("ssa-2018").names
    vocabulary = Vocabulary.of(names)
    return split(names), vocabulary, build(PRESETS["wavenet-l"].model, vocabulary.size, seed=1).eval()


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


PROBES: dict[str, Callable[[], Callable[[], object]]] = {
    "occlusion of a name of 8 letters": lambda: occlusion_of("isabella"),
    "occlusion of a name of 12 letters": lambda: occlusion_of("maximilianaa"),
    "occlusion of a name of 60 letters": lambda: occlusion_of("maximilian" * 6),
    "units of a layer on a thousand names": units_seen,
    "loss of a thousand names without one unit": unit_switched_off,
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
