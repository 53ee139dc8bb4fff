"""`python -m msd_engine.cli`: the command `msd` of this interpreter, for torchrun and for launchers."""

import sys

from msd_engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
