"""Read, change and erase what the outbox holds about customers: consents, addresses and suppressions."""
