"""Make ``bench`` importable: it is a folder of the checkout, not an installed package."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
