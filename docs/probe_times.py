"""How long each probe takes on wavenet-l, which is left untrained: its work is the same.

python -m docs.probe_times [PROBE ...]     all of them, or those that are named; the median of five in milliseconds
"""

import statistics
import sys
import time
from collections.abc import Callable

from wavenames.config import PRESETS
from wavenames.models import Model, build
from wavenames.names import Vocabulary, bundled
from wavenames.probes.influence import gradient_times_input
from wavenames.probes.wiring import sharing, wiring

ROUNDS = 5
NAME = "bartholomew"


def untrained(preset: str = "wavenet-l") -> tuple[Model, Vocabulary]:
    """A model over the letters of the list that ships."""
    vocabulary = Vocabulary.of(bundled("ssa-2018").names)
    return build(PRESETS[preset].model, vocabulary.size, seed=1).eval(), vocabulary


def wiring_of_a_name() -> Callable[[], object]:
    """Connections, what all nodes do, and the receptive field of every node, for a name of eleven letters."""
    model, vocabulary = untrained()

    def probe() -> None:
        found = wiring(model, vocabulary, NAME)
        for row in range(len(found.layers)):
            for place in range(len(found.context)):
                found.field(row, place)

    return probe


def influence_on_a_name() -> Callable[[], object]:
    """Gradient times input of every letter on every place of the same name."""
    model, vocabulary = untrained()
    return lambda: gradient_times_input(model, vocabulary, NAME)


def tree_and_stack() -> Callable[[], object]:
    """The joints of tree-76k and its dilated stack counted, and their logits compared, over the same name."""
    tree, vocabulary = untrained("tree-76k")
    return lambda: sharing(tree, vocabulary, NAME)  # type: ignore[arg-type]  # the preset is a tree


PROBES: dict[str, Callable[[], Callable[[], object]]] = {
    "wiring": wiring_of_a_name,
    "gradient times input": influence_on_a_name,
    "tree and stack (tree-76k)": tree_and_stack,
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
