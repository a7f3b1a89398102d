"""Where documents rest: one protocol, a store behind it, and typed repositories on top."""

import os

# Motor reads this as it is imported. Each operation holds one of its threads, and each process one
# more for following changes: with fewer of them than connections, a slow store would be a lost one.
os.environ.setdefault("MOTOR_MAX_WORKERS", "40")
