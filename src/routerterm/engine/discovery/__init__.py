"""What is there to be used: servers on this machine, price lists."""
