"""What the programs of deploy/bench have in common, and deploy/lab/check-abuse with them."""
