"""What a comparison shows: its tables, charts, settings and page."""
