"""Moving through time on the mixture page: slow motion, and branches from a moment."""
