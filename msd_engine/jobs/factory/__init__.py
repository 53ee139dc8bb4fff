"""Make objects from specs, the only place that does; keep loaded images and networks in memory."""
