"""Panels: the form of a spec, sections, cards, tables of readings, and the transport bar."""
