"""Skiagraph takes a medical image all the way to a report, and learns from what its readers correct."""

__version__ = "0.1.0"
