"""Device, random streams, files and errors: the ground that the engine stands on."""
