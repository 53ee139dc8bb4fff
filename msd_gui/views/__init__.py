"""Views: numpy in, pixels out."""
