"""Networks of other libraries and of the user's, with slots found in them."""
