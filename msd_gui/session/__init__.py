"""The current specs with undo, and the settings that are kept."""
