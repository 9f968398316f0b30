"""Entry point of `python -m demo`."""

import sys

from demo.command_line import main

sys.exit(main())
