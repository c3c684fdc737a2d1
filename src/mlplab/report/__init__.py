"""What comes out: figures, tables, and one self-contained HTML page.

``page.write_report`` gathers a study's figures (``material``), has them drawn (``figures``,
``render``), puts them and the tables into a page (``templates``) and writes the folder
(``folder``). Drawing needs Matplotlib and nothing of Keras, so the names of this package are
imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlplab.report.page import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("mlplab.report.page"), name)
