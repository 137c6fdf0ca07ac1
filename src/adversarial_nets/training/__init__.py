"""Training a game in a run's folder: sessions, logging, checkpoints, diagnosis."""
