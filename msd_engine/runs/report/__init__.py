"""Report of a comparison: its tables, charts, settings and page."""
