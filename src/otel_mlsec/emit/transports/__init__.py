"""Ways out: each takes records to one kind of receiver."""
