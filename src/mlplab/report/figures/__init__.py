"""Figures: each a function that takes plain arrays or frames and an Axes, and returns the Axes.

They make no figure and set no style: whoever calls them owns the canvas. ``catalog`` has the table
of those a report shows.
"""
