"""Where documents rest: one protocol, a store behind it, and typed repositories on top."""
