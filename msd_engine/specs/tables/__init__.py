"""What can be chosen by a word: one row for each, which says what is known of it and which file makes it."""
