"""Profiles of the property tests: a quick one by default, ``--hypothesis-profile full`` for all."""

from __future__ import annotations

import hypothesis

import mlplab  # noqa: F401  before Keras, to choose its backend

hypothesis.settings.register_profile("quick", max_examples=15, deadline=None, derandomize=True)
hypothesis.settings.register_profile("full", max_examples=300, deadline=None)
hypothesis.settings.load_profile("quick")
