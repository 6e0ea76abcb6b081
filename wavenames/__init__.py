"""wavenames: name generators from letter-pair counts to a gated, dilated WaveNet, small enough to read."""

__version__ = "0.1.0"
