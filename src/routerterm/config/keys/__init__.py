"""API keys: where they live, how they are found, and how they are changed; never in clear on a disk."""
