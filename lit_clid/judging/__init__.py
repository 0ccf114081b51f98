"""Judging: from tables of signals to verdicts, intervals and pages, without any model."""
