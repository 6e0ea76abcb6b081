"""Networks broken on purpose, each beside its sound twin from the same seed."""
