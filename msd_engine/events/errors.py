"""The exception that a job turns into `Failed`, and the recognition of exhausted memory."""

# Words of torch (a plain RuntimeError) and of the system for exhausted memory or threads.
_USED_UP = ("out of memory", "not enough memory", "can't allocate memory", "can't start new thread")

NO_MEMORY = (
    "There is not enough memory for this: use a smaller batch (training.batch), fewer chains or copies, or a smaller "
    "network; on a graphics card, the CPU (device cpu) may have more. Saved files are kept."
)
"""The message for exhausted memory."""


class UserError(Exception):
    """An error that the user can fix: one plain sentence that says what happened and what to do."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception reports exhausted memory of the machine or of a card."""
    # By name: this module imports no torch.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and any(words in str(error) for words in _USED_UP))
