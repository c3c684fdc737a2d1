"""Figures: functions that take an Axes and return it, drawn on."""
