"""URLs as they may be shown and kept."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(://[^/@:\s]*:)[^/\s]*@")


def without_password(text: str) -> str:
    """Return a text without the passwords of the URLs in it.

    Examples:
        >>> without_password("postgresql://ann:secret@127.0.0.1/a")
        'postgresql://ann:***@127.0.0.1/a'
        >>> without_password("--mlflow=http://ann:s@cret@127.0.0.1:5000 to a@b")
        '--mlflow=http://ann:***@127.0.0.1:5000 to a@b'
    """
    return _PASSWORD.sub(r"\1***@", text)
