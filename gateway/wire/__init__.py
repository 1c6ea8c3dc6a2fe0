"""What requests and responses look like. Bytes in, values out; no I/O, no state beyond a parser's own."""
