"""Jinja2 pages; installed as ``apogee_idp.templates``."""
