"""What a text is made of: hidden characters, encodings, disguises, words.  Pure: numpy, RE2 and the standard library."""
