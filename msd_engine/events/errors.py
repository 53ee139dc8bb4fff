"""The exception that a job turns into `Failed`."""


class UserError(Exception):
    """An error that the user can fix: one plain sentence that says what happened and what to do."""
