//! Formats: a report and a writer in, text out. No clock, environment, network or severity logic.
