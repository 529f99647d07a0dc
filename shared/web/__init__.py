"""What every service's HTTP side shares: problems, identity, the page shell."""
