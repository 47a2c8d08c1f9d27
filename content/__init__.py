"""What is said: bulletins, the sound made of them, and their approval."""
