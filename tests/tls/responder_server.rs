//! The lab's responder, for what no program at hand does any more. Versions, suites, groups and traits are those of the
//! configuration; its options are what is wrong with it: `intolerant-above VERSION REACTION`, `more-suites-than N
//! REACTION`, `any-extension REACTION`, `extension N REACTION`, `unknown-extension REACTION`, `first N REACTION`,
//! `hello-length FROM TO REACTION`, `warns-first N`, `fragment N`, where REACTION is `close`, `reset`, `silence` or
//! `alert-N`.

use std::str::SplitWhitespace;

use bytes::Bytes;
use certflight::handshake::ssl2::CipherKind;
use certflight::handshake::{CipherSuite, Group, KeyKind, Version};
use certflight::lab::responder::{Behaviour, Credentials, Fault, Preference, Reaction, Responder};
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::certificates::NAME;
use crate::configuration::Configuration;
use crate::facts::Order;
use crate::server::Server;

pub fn start(configuration: &Configuration) -> Server {
    let responder = Handle::current().block_on(Responder::start(behaviour(configuration))).unwrap();
    Server::of_responder(responder)
}

fn behaviour(configuration: &Configuration) -> Behaviour {
    let facts = configuration.facts();
    let credentials = Credentials::issue(&[NAME], Timestamp::now()).unwrap();
    let presented = |kind: KeyKind| configuration.certificates.contains(&kind.name().to_lowercase());
    let chains: Vec<(KeyKind, Vec<Bytes>)> =
        credentials.chains().into_iter().filter(|(kind, _)| presented(*kind)).collect();
    let mut versions = Vec::new();
    let (mut cipher_suites, mut cipher_kinds) = (Vec::new(), Vec::new());
    for (name, suites) in &facts.suites {
        let version = *Version::ALL.iter().find(|version| version.name() == name).unwrap();
        versions.push(version);
        if version == Version::Ssl2 {
            cipher_kinds = suites.iter().map(|name| kind(name)).collect();
        } else {
            let suites = suites.iter().map(|name| CipherSuite::from_name(name).expect("a suite's name"));
            cipher_suites.push((version, suites.collect()));
        }
    }
    let mut groups = Vec::new();
    for group in facts.groups.values().flatten().map(|name| Group::from_name(name).expect("a group's name")) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let has = |name: &str| facts.traits.get(name).and_then(toml::Value::as_bool).unwrap_or(false);
    let list = |name: &str| facts.traits.get(name).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let mut behaviour = Behaviour {
        versions,
        cipher_suites,
        cipher_kinds,
        preference: match configuration.order {
            Order::Server => Preference::Server,
            Order::Client => Preference::Client,
        },
        groups,
        chains,
        dh_bits: list("dh_bits").first().map_or(2048, |bits| u16::try_from(bits.as_integer().unwrap()).unwrap()),
        session_id: has("session_id"),
        session_ticket: has("session_ticket"),
        secure_renegotiation: has("secure_renegotiation"),
        extended_master_secret: has("extended_master_secret"),
        encrypt_then_mac: has("encrypt_then_mac"),
        fallback_scsv: has("fallback_scsv"),
        compression: if has("compression") { vec![1] } else { Vec::new() },
        alpn: list("alpn").iter().map(|protocol| protocol.as_str().unwrap().to_owned()).collect(),
        requests_client_certificate: has("client_certificate_requested"),
        ..Behaviour::default()
    };
    let mut options = configuration.options.split_whitespace();
    while let Some(option) = options.next() {
        let fault = match option {
            "intolerant-above" => {
                let name = options.next().unwrap();
                let version = Version::ALL.into_iter().find(|version| version.name() == name).unwrap();
                Fault::IntolerantAbove(version, reaction(&mut options))
            }
            "more-suites-than" => Fault::MoreSuitesThan(number(&mut options), reaction(&mut options)),
            "hello-length" => Fault::HelloLength(number(&mut options)..=number(&mut options), reaction(&mut options)),
            "first" => Fault::First(number(&mut options), reaction(&mut options)),
            "any-extension" => Fault::AnyExtension(reaction(&mut options)),
            "extension" => Fault::Extension(u16::try_from(number(&mut options)).unwrap(), reaction(&mut options)),
            "unknown-extension" => Fault::UnknownExtension(reaction(&mut options)),
            "warns-first" => Fault::WarnsFirst(u8::try_from(number(&mut options)).unwrap()),
            "fragment" => {
                behaviour.delivery.fragment = number(&mut options);
                continue;
            }
            other => panic!("what is {other}?"),
        };
        behaviour.faults.push(fault);
    }
    behaviour
}

fn kind(name: &str) -> CipherKind {
    *CipherKind::ALL.iter().find(|kind| kind.name() == name).unwrap_or_else(|| panic!("what is {name}?"))
}

fn number(options: &mut SplitWhitespace<'_>) -> usize {
    options.next().unwrap().parse().unwrap()
}

fn reaction(options: &mut SplitWhitespace<'_>) -> Reaction {
    match options.next().unwrap() {
        "close" => Reaction::Close,
        "reset" => Reaction::Reset,
        "silence" => Reaction::Silence,
        other => Reaction::Alert(other.strip_prefix("alert-").unwrap().parse().unwrap()),
    }
}
