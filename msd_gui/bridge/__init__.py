"""Between the screen and the engine: runner, mailbox and screen clock; `engine` makes the jobs."""
