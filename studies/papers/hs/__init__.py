"""HS-ResNet: its printed tables, protocol and studies."""
