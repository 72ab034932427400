//! Which certificate of a path breaks which rule, with which value.
