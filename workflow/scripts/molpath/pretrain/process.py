"""What each process of a training in several processes runs: python -m molpath.pretrain.process <its job as JSON>."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from ..common.joblog import die_with_parent


def main() -> None:
    """Train as the file says; ends with the job that started it."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from .runs import train  # imported late: torch takes seconds, during which the parent job may end

    train(json.loads(Path(sys.argv[1]).read_text()))


if __name__ == "__main__":
    main()
