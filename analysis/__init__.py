"""What the results say: tables, reports, and the audit of printed costs."""
