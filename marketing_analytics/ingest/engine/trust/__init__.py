"""Whether an answer is to be believed: beside what is loaded, and what an account says itself."""
