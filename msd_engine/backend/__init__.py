"""Device, random streams, files and errors: the lowest layer of the engine."""
