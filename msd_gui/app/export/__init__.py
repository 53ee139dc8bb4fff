"""The dialog of exports: a preview and the choices of a figure."""
