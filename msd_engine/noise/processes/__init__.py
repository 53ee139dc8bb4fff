"""Forward processes, one per file: α and σ by time."""
