"""The contact policy: permission, caps, quiet hours, and the order of campaigns."""
