"""Editing of a mixture or of points in the plane, by hand."""
