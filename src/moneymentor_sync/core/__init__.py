"""What decides. The standard library only; no clock, no randomness, no I/O may enter here."""
