"""The tests. wavenames comes before torch here, because it says how torch's threads wait for one another."""

import wavenames  # noqa: F401 - imported for what it does
