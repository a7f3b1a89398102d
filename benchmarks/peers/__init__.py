"""The servers that ours is measured against, and the floor."""
