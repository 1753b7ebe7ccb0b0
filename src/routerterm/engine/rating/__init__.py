"""A person's own ranking of models, from the answers that they chose."""
