"""The notebook's four claims about WaveNet, each held against a measurement, true or not."""
