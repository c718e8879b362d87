"""The parts of `roadworthy.binding`: coercion to declared types, and their names for messages."""
