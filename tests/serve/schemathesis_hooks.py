"""For schemathesis: what is a picture, drawn from the images that MNIST tests with."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st

from mlplab.data import load
from tests.serve.pictures import picture

IMAGES = load("mnist", progress=False).test.x[:100]

digits = st.integers(0, len(IMAGES) - 1).map(lambda place: IMAGES[place])
schemathesis.openapi.media_type("image/png", digits.map(picture))
schemathesis.openapi.media_type("image/jpeg", digits.map(lambda digit: picture(digit, "JPEG")))
