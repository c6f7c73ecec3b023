"""Sinks that are told of jobs as they go on: the live log, TensorBoard, MLflow, W&B, CSV."""
