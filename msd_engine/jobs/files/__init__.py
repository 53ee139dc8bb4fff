"""Jobs that read, write and download files."""
