"""Kill planners and senders of the outbox again and again, and count what customers got; and measure its speed."""
