"""Figures of the papers, from chains and from trainings."""
