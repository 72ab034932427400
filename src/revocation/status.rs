//! One status for each certificate from all of its sources.
