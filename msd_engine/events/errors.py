"""The exception that a job turns into `Failed`."""


class UserError(Exception):
    """Something that the user can mend: one plain sentence that says what happened and what to do."""
