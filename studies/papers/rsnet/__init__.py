"""RS-Net: its printed tables, protocol and studies."""
