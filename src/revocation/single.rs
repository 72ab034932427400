//! One URL by itself, for the `url` command.
