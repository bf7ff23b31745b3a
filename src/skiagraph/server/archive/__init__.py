"""Where images lie: files under their digests, and the index by which they are found."""
