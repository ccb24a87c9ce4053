"""Take due messages one by one under the rules that hold at that instant, and record how their deliveries ended."""
