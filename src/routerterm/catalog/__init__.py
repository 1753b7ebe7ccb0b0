"""What is known of providers, models and prices: data files in, lookups out."""
