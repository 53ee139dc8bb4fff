"""Jobs: a spec goes in, events come out."""
