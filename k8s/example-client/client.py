"""Gets an access token for the secret in a mounted file; tells for how long and what it is good."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode


def main() -> None:
    """Exits with 1, and the server's reason, if it gets none."""
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": Path(os.environ["CLIENT_SECRET_FILE"]).read_text(encoding="ascii").strip(),
    }
    try:
        with urllib.request.urlopen(
            os.environ["TOKEN_ENDPOINT"], urlencode(form).encode(), timeout=10
        ) as answer:
            token = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"no token: {error.code} {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"no token: {error.reason}")
    print(f"a token for {token['expires_in']} s, with the scope {token.get('scope') or 'none'!r}")


if __name__ == "__main__":
    main()
