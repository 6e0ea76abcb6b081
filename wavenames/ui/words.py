"""Words on the pages."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def plain(text: str) -> str:
    r"""`text` as Markdown that shows it letter by letter: people's titles and names can't format or link."""
    return _MARKDOWN.sub(r"\\\1", text)
