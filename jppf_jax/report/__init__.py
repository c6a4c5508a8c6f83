"""The report page: what an evaluation records, and the HTML file that shows it."""
