"""Parts shared by all views: plots, layers, pixels, colours, and figures for files."""
