"""What holds or stands beside the controls: sections, cards, readings, and the bar of the player."""
