"""Jobs that compare several numbers of copies."""
