"""How good generated images are, beside real ones."""
