"""A page of subsets for people to label, and what they know of them beside what the model does."""
