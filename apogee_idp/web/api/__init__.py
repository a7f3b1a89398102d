"""The management API: JSON in and out, every route in one table."""
