"""Tables as files for spreadsheets."""

import pandas as pd

FORMULA = ("=", "+", "-", "@")
"""A cell of a .csv that begins like this is reckoned out by spreadsheets."""


def csv_text(table: pd.DataFrame, *columns: str) -> str:
    """`table` as .csv; no text in `columns`, which people wrote or models did, is taken for a formula."""
    guarded = {
        column: [f"'{text}" if text.startswith(FORMULA) else text for text in table[column]] for column in columns
    }
    return table.assign(**guarded).to_csv(index=False)
