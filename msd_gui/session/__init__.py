"""The current specs with undo, and the stored settings."""
