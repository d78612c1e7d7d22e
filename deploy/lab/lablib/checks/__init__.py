"""The checks of the programs deploy/lab/check-*: importing a module registers its checks."""
