"""Name lists, their letters as numbers, splits, and packing for the models."""

from wavenames.names.packing import Batch, Packed
from wavenames.names.splitting import SPLITS, Leak, Split, leak, split
from wavenames.names.vocabulary import END, END_MARK, Vocabulary

__all__ = [
    "END",
    "END_MARK",
    "SPLITS",
    "Batch",
    "Leak",
    "Packed",
    "Split",
    "Vocabulary",
    "leak",
    "split",
]
