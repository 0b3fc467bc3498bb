"""``python -m crossorigin.tools`` is the command ``crossorigin``."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
