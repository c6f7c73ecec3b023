"""CoConv: its printed tables, protocol and studies."""
