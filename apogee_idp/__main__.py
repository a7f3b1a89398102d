"""``python -m apogee_idp``."""

from .cli import main

if __name__ == "__main__":
    main()
