"""Name lists, their letters as numbers, splits, and packing for the models."""

from wavenames.names.labels import ANY, UNKNOWN, classes_in, label_counts, label_numbers, told_numbers
from wavenames.names.lists import BUNDLED, MAKEMORE, NameList, bundled, digest, download_makemore, makemore
from wavenames.names.membership import Membership, Status
from wavenames.names.packing import Batch, Packed
from wavenames.names.reading import columns, columns_of_labels, read_list, titles_known
from wavenames.names.splitting import SPLITS, Leak, Split, leak, split
from wavenames.names.statistics import Statistics, shares, statistics, windows
from wavenames.names.tables import NO_COLUMN, labels_called, name_column
from wavenames.names.vocabulary import END, END_MARK, Vocabulary, is_part, printable

__all__ = [
    "ANY",
    "BUNDLED",
    "END",
    "END_MARK",
    "MAKEMORE",
    "NO_COLUMN",
    "SPLITS",
    "UNKNOWN",
    "Batch",
    "Leak",
    "Membership",
    "NameList",
    "Packed",
    "Split",
    "Statistics",
    "Status",
    "Vocabulary",
    "bundled",
    "classes_in",
    "columns",
    "columns_of_labels",
    "digest",
    "download_makemore",
    "is_part",
    "label_counts",
    "label_numbers",
    "labels_called",
    "leak",
    "makemore",
    "name_column",
    "printable",
    "read_list",
    "shares",
    "split",
    "statistics",
    "titles_known",
    "told_numbers",
    "windows",
]
