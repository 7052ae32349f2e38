"""What normal is: learned from data somebody vouches for, kept in one signed file, read by every detector."""
