"""Hosts on one Linux machine: see deploy/lab/hosts."""
