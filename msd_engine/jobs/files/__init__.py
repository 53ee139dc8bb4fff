"""Jobs that read, write and fetch files."""
