"""The server rules as one list of situations, and the stacks that they are played on.

Framework-free where it can be: a situation is a request and what must hold of the answer (`situations`), played on the
same small API (`api`) behind any stack (`stacks`). The tests, the demonstration and the comparison with other libraries
share this list. Not shipped with the library.
"""
