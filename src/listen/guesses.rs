//! Who may have sent a hello: looked up once for hellos that are alike, since most clients come again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::clients::{Guess, guess};
use crate::handshake::{ClientHello, Extension};

/// Hellos that are remembered.
const MOST: usize = 4096;
/// Suites and extensions beyond which a hello is nobody's, and not worth comparing.
const MOST_SUITES: usize = 256;
const MOST_EXTENSIONS: usize = 64;

/// Guesses made so far, in words.
#[derive(Debug, Default)]
pub struct Guesses {
    made: Mutex<HashMap<[u8; 16], Option<String>>>,
}

impl Guesses {
    /// Who may have sent it, by the data of known clients.
    #[must_use]
    pub fn of(&self, hello: &ClientHello) -> Option<String> {
        let extensions = hello.extensions.as_deref().unwrap_or_default();
        if hello.cipher_suites.len() > MOST_SUITES || extensions.len() > MOST_EXTENSIONS {
            return None;
        }
        let Some(key) = key(hello) else { return in_words(&guess(hello)) };
        let known = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            // Outside of the lock: others need not wait for it.
            let made = in_words(&guess(hello));
            let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MOST {
                all.clear();
            }
            all.insert(key, made.clone());
            made
        })
    }
}

fn in_words(guess: &Guess) -> Option<String> {
    match guess {
        Guess::Unknown => None,
        guess => Some(guess.to_string()),
    }
}

/// What a guess depends on, in short; GREASE differs from one connection to the next and does not count.
fn key(hello: &ClientHello) -> Option<[u8; 16]> {
    let mut contents = hello.version.to_be_bytes().to_vec();
    let mut list = |numbers: &mut dyn Iterator<Item = u16>| {
        contents.extend(numbers.flat_map(u16::to_be_bytes));
        // No number of any of these lists; only to keep them apart.
        contents.extend([0xff; 4]);
    };
    list(&mut hello.cipher_suites.iter().filter(|suite| !suite.is_grease()).map(|suite| suite.0));
    let extensions = hello.extensions.as_deref().unwrap_or_default();
    list(&mut extensions.iter().filter(|it| !it.is_grease()).map(|extension| extension.kind));
    list(&mut hello.groups().iter().filter(|group| !group.is_grease()).map(|group| group.0));
    list(&mut hello.signature_schemes().iter().filter(|scheme| !scheme.is_grease()).map(|scheme| scheme.0));
    list(&mut hello.versions().iter().map(|version| version.wire()));
    contents.extend(hello.extension(Extension::EC_POINT_FORMATS).into_iter().flat_map(|extension| &extension.data));
    digest(&SHA256, &contents).as_ref().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::{CipherSuite, Group, Version};

    fn hello(suites: Vec<CipherSuite>, grease: u16) -> ClientHello {
        let extensions = vec![Extension::new(grease, []), Extension::supported_groups(&[Group(grease), Group::X25519])];
        ClientHello::new(Version::Tls12, [1; 32], suites, extensions)
    }

    #[test]
    fn grease_makes_no_other_hello() {
        let suites = vec![CipherSuite(0xc02f), CipherSuite(0x002f)];
        let one = key(&hello(suites.clone(), 0x1a1a));
        assert_eq!(one, key(&hello(suites.clone(), 0xbaba)));
        assert_ne!(one, key(&hello(suites.into_iter().rev().collect(), 0x1a1a)));
    }

    #[test]
    fn known_clients_are_named_and_no_more_than_that_is_remembered() {
        let guesses = Guesses::default();
        for client in crate::clients::all() {
            let guess = guesses.of(&client.hello(Some("mail.example.test"), [9; 32]));
            assert_eq!(guess, guesses.of(&client.hello(None, [8; 32])), "{}", client.name);
            assert!(guess.is_some(), "{}", client.name);
        }
        assert_eq!(guesses.of(&hello((0..300).map(CipherSuite).collect(), 0x1a1a)), None);
        let full = (0..MOST).map(|number| {
            let octets = u128::try_from(number).unwrap().to_be_bytes();
            (octets, None)
        });
        *guesses.made.lock().unwrap() = full.collect();
        let _ = guesses.of(&hello(vec![CipherSuite(1)], 0x1a1a));
        assert_eq!(guesses.made.lock().unwrap().len(), 1);
    }
}
