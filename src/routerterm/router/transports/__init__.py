"""Who carries a request: the network, the demonstration, or the model in this process."""
