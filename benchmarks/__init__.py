"""Benchmarks: the native engine beside its peers, in one run. ``make bench`` runs them."""
