"""Results of campaigns: measured against a hold-out, or not called an effect at all."""
