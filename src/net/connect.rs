//! TCP connections: one address, or the first of several (RFC 8305), each failure classified.
