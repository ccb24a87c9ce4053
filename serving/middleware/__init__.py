"""What every request passes before its handler, one concern a file."""
