"""Controls: what else than training would explain what an audit finds."""
