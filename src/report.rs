//! The versioned, serialised form of a result, apart from the domain types.
