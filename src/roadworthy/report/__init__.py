"""What a run says: the summary as a table, as charts and as one HTML page."""
