"""What a person asks for: train, audit, sweep, experiment; nothing below knows them."""
