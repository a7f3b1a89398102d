"""A resource server as a reader of README would write it; interop tests build on it."""
