//! Which URLs there are to ask, each with the certificates that name it.
