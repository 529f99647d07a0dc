"""Spikes: what a library would do in the place of a part of ours, measured."""
