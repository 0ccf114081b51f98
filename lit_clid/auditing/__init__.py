"""The audit: questions to one model about the records of one role, over any number of processes,
resumable.
"""
