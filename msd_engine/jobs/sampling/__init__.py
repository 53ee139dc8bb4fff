"""Jobs that draw chains, and that tell what their ladder and their plane are like."""
