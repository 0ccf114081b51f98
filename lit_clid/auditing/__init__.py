"""The audit: questions to one model about the records of one role, resumable on any processes."""
