"""`python -m molpath.init init FOLDER …`, which the launcher .venv/bin/molpath calls."""

import sys

from .command import main

sys.exit(main())
