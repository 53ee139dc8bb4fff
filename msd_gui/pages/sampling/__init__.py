"""Chains of images as several pages show them, with the controls of sampling."""
