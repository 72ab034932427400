//! Who connects here, and with what: reads each ClientHello, answers as it was told to, and keeps count.
//!
//! Input: addresses and [`ListenOptions`]. Output: an [`Event`] for every connection, over a channel; a [`Ledger`] counts
//! them by source, name asked for and fingerprint. What a client offers is told before any answer is sent, so that whoever
//! has been answered has been seen. Nothing here grows with what strangers send: connections at once, time and octets until
//! the hello, lengths of names and lists, and rows of the ledger all have limits.

mod ability;
mod attend;
mod forward;
mod guesses;
mod ledger;
mod listener;
mod observation;
mod offer;
mod open_files;
mod places;
mod reply;
mod smtp;
mod watch;

pub use ability::{Ability, Obstacle, is_good};
pub use forward::Service;
pub use guesses::Guesses;
pub use ledger::{Client, Ledger, NewClient, Stranger, Tally};
pub use listener::{Event, ListenError, ListenOptions, Listener, Manner, Page, Running, Starttls};
pub use observation::{Finish, Observation, Seen};
pub use offer::Offer;
pub use open_files::allow_connections;
