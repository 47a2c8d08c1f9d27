"""What is kept how long: months past their time go into archives that stay readable (docs/retention.md)."""
