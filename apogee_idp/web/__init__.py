"""HTTP: parsing at the door, rendering on the way out, nothing in between."""
