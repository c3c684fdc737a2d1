"""Profiles of the property tests: a quick one, and ``HYPOTHESIS_PROFILE=full`` for 300 examples."""

from __future__ import annotations

import os

import hypothesis

import mlplab  # noqa: F401  before Keras, to choose its backend

hypothesis.settings.register_profile("quick", max_examples=15, deadline=None, derandomize=True)
hypothesis.settings.register_profile("full", max_examples=300, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
