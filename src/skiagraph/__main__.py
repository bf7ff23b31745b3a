"""Lets ``python -m skiagraph`` do what ``skiagraph`` does."""

from skiagraph.cli import main

main()
