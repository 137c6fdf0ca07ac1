"""What makes training fast and lets several processes share it: no part of the paper."""
