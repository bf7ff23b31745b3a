"""The way of a study: complete, prepared, read, drafted, in review, signed, delivered; in durable steps."""
