"""Serve: a trained network behind HTTP, on this machine unless told otherwise."""
