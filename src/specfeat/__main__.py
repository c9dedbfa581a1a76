"""`python -m specfeat` is `specfeat`."""

import sys

from specfeat.cli import main

sys.exit(main())
