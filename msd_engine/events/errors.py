"""The exception that a job turns into `Failed`, and how exceptions say that memory is used up."""

# How torch, whose exception is a plain RuntimeError, and the system say that memory or threads are used up.
_USED_UP = ("out of memory", "not enough memory", "can't allocate memory", "can't start new thread")

NO_MEMORY = (
    "There is not enough memory for this: take a smaller batch (training.batch), fewer chains or copies, or a smaller "
    "network; on a graphics card, the CPU (device cpu) may have more. What was saved is kept."
)
"""What is said where memory is used up."""


class UserError(Exception):
    """Something that the user can mend: one plain sentence that says what happened and what to do."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory is used up, that of the machine or of a card.

    Args:
        error: Whatever was raised.
    """
    # By name: this module imports no torch.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and any(words in str(error) for words in _USED_UP))
