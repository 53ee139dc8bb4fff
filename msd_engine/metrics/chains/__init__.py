"""What chains and ladders do, measured and by theory."""
