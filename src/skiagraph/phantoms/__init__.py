"""Synthetic studies whose truth is known: what they show is sampled first, and drawn after."""
