"""The one error a user can cause."""


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line: what is wrong, with its name or file, and what to do about it.
    The command prints it and ends with exit status 2.
    """
