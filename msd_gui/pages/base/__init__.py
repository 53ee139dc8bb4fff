"""Base classes and parts of all pages."""
