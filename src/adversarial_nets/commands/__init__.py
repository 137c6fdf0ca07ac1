"""What ``advnets`` can do: the options of each command, and the function that they go to."""
