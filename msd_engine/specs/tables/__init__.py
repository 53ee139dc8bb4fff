"""Tables of the choices: one row for each word, with its properties and its module; and of settings that differ."""
