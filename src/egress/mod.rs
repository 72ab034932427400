//! What a firewall has to let out so that these chains validate: hosts and ports, who needs each, and whether the way
//! there is open from here.
//!
//! Input: [`Examination`](crate::Examination)s, or places named by hand. Output: [`Way`]s with what was seen on them. Facts only:
//! whether a closed way matters is `finding`'s to say.

mod place;
mod reach;
mod ways;

pub use place::{Place, PlaceError, Protocol};
pub use reach::{Reached, is_answer, reach};
pub use ways::{NamedBy, Need, Way, add_reached, list, resolve};
