"""MS-SAR: its printed tables, protocol and studies."""
