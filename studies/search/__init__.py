"""How a search goes on: scheduling, Optuna's study, early stopping, replication."""
