"""A service under limits that a test can reach: ``python -m tests.serve.limited FILE LIMITS``."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

from mlplab.serve.limits import Limits
from mlplab.serve.server import serve

if __name__ == "__main__":
    say = functools.partial(print, flush=True)
    serve(Path(sys.argv[1]), "127.0.0.1", 0, say, say, Limits(**json.loads(sys.argv[2])))
