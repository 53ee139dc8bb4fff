"""What all views are made of: plots, layers, pixels, colours, and figures for files."""
