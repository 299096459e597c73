"""What holds a model or a loop: judges, the replica and what watches over it."""
