"""Keeping TensorFlow out of processes that do not use it.

Keras imports TensorFlow wherever it is installed, on any backend, to ask whether a thing that it is
about to write down is one of TensorFlow's types. That takes seconds and hundreds of megabytes. As
long as nothing has imported TensorFlow, the answer is known.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from keras.src.utils.module_utils import tensorflow

_lock = threading.Lock()
_blocks = 0  # how many are open, in all threads


@contextmanager
def tensorflow_unread() -> Iterator[None]:
    """Let Keras take TensorFlow for absent inside, unless something has imported it.

    Whoever needs TensorFlow inside (the TensorBoard callback) still gets it.
    """
    global _blocks
    with _lock:
        _blocks += 1
        if tensorflow._available is None and "tensorflow" not in sys.modules:
            tensorflow._available = False
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks and tensorflow._available is False:
                tensorflow._available = None  # Keras finds out when it next wants to know
