"""What serves figures to people and programs: the API and the dashboard, in one process and on one port."""
