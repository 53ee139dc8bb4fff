"""What holds controls or stands beside them: the form of a spec, sections, cards, readings, the bar of the player."""
