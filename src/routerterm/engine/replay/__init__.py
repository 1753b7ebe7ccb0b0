"""What was recorded, asked once more under other routes, prices, models or budgets, without sending anything."""
