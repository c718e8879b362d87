"""The parts of `roadworthy.spec`: values and their text, lexemes, the parser, its errors."""
