#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use ml_kem::EncapsulationKey768;

use super::*;
use crate::handshake::{Extension, Group, HelloReader, Offered, ja4};

/// Hellos of programs that were run to write them down, one a line: the client's name, a blank, the octets.
pub(super) const CAPTURED: &str = include_str!("../../testdata/hellos.txt");

/// The clients they are from, and what was sent.
pub(super) fn captured() -> impl Iterator<Item = (&'static str, ClientHello)> {
    CAPTURED.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, octets) = line.split_once(' ').unwrap();
        let octets: Vec<u8> = octets
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let Some(Offered::Tls(hello)) = HelloReader::default().feed(&octets).unwrap() else { panic!("{name}") };
        (name, hello)
    })
}

fn sent(client: &Client) -> ClientHello {
    client.hello(Some("www.example.test"), [7; 32])
}

#[test]
fn the_data_reads() {
    let clients = book::read(BOOK).unwrap();
    assert!(clients.len() > 60, "{}", clients.len());
    assert_eq!(clients.len(), all().len());
    let names: BTreeSet<&str> = clients.iter().map(|client| client.name.as_str()).collect();
    let titles: BTreeSet<&str> = clients.iter().map(|client| client.title.as_str()).collect();
    assert_eq!((names.len(), titles.len()), (clients.len(), clients.len()), "names and titles are told apart");
    for client in &clients {
        let is_kebab = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
        assert!(client.name.chars().all(is_kebab), "{}", client.name);
        assert!(!client.source.is_empty() && client.years.contains("20"), "{}", client.name);
    }
}

#[test]
fn what_does_not_fit_the_form_is_refused() {
    let small = "[suites]\n[groups]\n[signature_algorithms]\n\
         [hello.a]\nrecord = 'TLSv1.0'\nversion = 'TLSv1.0'\nsuites = ['TLS_RSA_WITH_AES_128_CBC_SHA']\n\
         [[client]]\nname = 'a'\ntitle = 'A'\nyears = '2000'\nsource = 's'\nhello = 'a'\nlowest = 'SSLv3'\n";
    assert_eq!(book::read(small).unwrap().len(), 1);
    for (wrong, right) in [
        ("lowest = 'SSLv3'", "lowest = 'SSLv3'\ncolour = 'red'"),
        ("hello = 'a'", "hello = 'b'"),
        ("'TLS_RSA_WITH_AES_128_CBC_SHA'", "'TLS_RSA_WITH_AES_129_CBC_SHA'"),
        ("['TLS_RSA_WITH_AES_128_CBC_SHA']", "'absent'"),
        ("version = 'TLSv1.0'", "version = 'TLSv1.4'"),
        ("suites = [", "extensions = ['spice']\nsuites = ["),
        ("suites = [", "extensions = [{ supported_groups = ['p256'] }]\nsuites = ["),
    ] {
        assert!(book::read(&small.replace(wrong, right)).is_err(), "{right}");
    }
}

#[test]
fn every_hello_is_consistent_and_reads_back() {
    for client in all() {
        let name = &client.name;
        for random in [[0; 32], [7; 32], [0xa5; 32]] {
            let hello = client.hello(Some("www.example.test"), random);
            let read = HelloReader::default().feed(&hello.encode()).unwrap();
            assert_eq!(read, Some(Offered::Tls(hello.clone())), "{name}");
            assert_eq!(hello.server_name().as_deref(), client.names_host().then_some("www.example.test"), "{name}");
            assert!(client.hello(Some("192.0.2.1"), random).server_name().is_none(), "{name}");
        }
        let hello = sent(client);
        let versions = client.versions();
        let newest = *versions.first().unwrap();
        assert_eq!(hello.versions().first(), Some(&newest), "{name} goes on with the newest it offers");
        let suites = client.cipher_suites();
        assert_eq!(suites.iter().any(|suite| suite.is_tls13()), newest == Version::Tls13, "{name}");
        for suite in &suites {
            assert!(suite.since() <= newest, "{name} {suite}");
        }
        let elliptic = suites.iter().any(|suite| suite.is_elliptic());
        assert_eq!(elliptic || newest == Version::Tls13, !hello.groups().is_empty(), "{name}");
        assert_eq!(newest >= Version::Tls12, !hello.signature_schemes().is_empty(), "{name}");
        assert_eq!(
            newest == Version::Tls13,
            hello.session_id.len() == 32 && !hello.key_share_groups().is_empty(),
            "{name}"
        );
        for group in hello.key_share_groups() {
            assert!(hello.groups().contains(&group), "{name} {group}");
            assert!(template::share(group).is_some(), "{name} sends a share for {group}, and none is at hand");
        }
        let kinds: Vec<u16> = hello.extensions.unwrap_or_default().iter().map(|extension| extension.kind).collect();
        assert_eq!(kinds.iter().collect::<BTreeSet<_>>().len(), kinds.len(), "{name} sends no extension twice");
    }
}

#[test]
fn shares_are_keys() {
    let hybrid = template::share(Group::X25519_MLKEM768).unwrap();
    assert_eq!(hybrid.len(), 1184 + 32);
    let key: [u8; 1184] = hybrid[..1184].try_into().unwrap();
    assert!(EncapsulationKey768::new(&key.into()).is_ok());
    assert_eq!(template::share(Group::X25519).unwrap().len(), 32);
    let point = template::share(Group::SECP256R1).unwrap();
    let peer = ring::agreement::UnparsedPublicKey::new(&ring::agreement::ECDH_P256, point);
    let own =
        ring::agreement::EphemeralPrivateKey::generate(&ring::agreement::ECDH_P256, &ring::rand::SystemRandom::new());
    assert!(ring::agreement::agree_ephemeral(own.unwrap(), &peer, |_| ()).is_ok());
}

#[test]
fn padding_fills_a_hello_to_512_octets() {
    let chrome = named("chrome-100").unwrap();
    let length = |name: &str| chrome.hello(Some(name), [0; 32]).message().len();
    assert_eq!(length("a.test"), 512);
    assert_eq!(length("www.example.test"), 512);
    let long = "a".repeat(250);
    let hello = chrome.hello(Some(&long), [0; 32]);
    assert!(hello.message().len() > 512 && hello.extension(Extension::PADDING).is_none());
}

#[test]
fn grease_differs_where_it_must() {
    let chrome = named("chrome-131").unwrap();
    for octet in 0..=255 {
        let hello = chrome.hello(None, [octet; 32]);
        let extensions = hello.extensions.unwrap();
        let greased: Vec<&Extension> = extensions.iter().filter(|extension| extension.is_grease()).collect();
        assert_eq!((greased[0].data.len(), greased[1].data.len()), (0, 1));
        assert_ne!(greased[0].kind, greased[1].kind);
        assert!(hello.cipher_suites[0].is_grease());
    }
}

/// JA4 fingerprints that the data's sources name were published by others for these clients.
#[test]
fn published_fingerprints_come_out() {
    let mut compared = 0;
    for client in all() {
        for stated in client.source.split("JA4 ").skip(1) {
            let stated: String =
                stated.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
            assert_eq!(ja4(&sent(client)), stated, "{}", client.name);
            compared += 1;
        }
    }
    assert!(compared > 8, "{compared}");
}

/// The programs' own hellos, against what the data says that they send: in every octet but those drawn by lot.
#[test]
fn what_was_measured_is_what_stands_in_the_data() {
    for (name, hello) in captured() {
        let ours = named(name).unwrap().hello(Some("localhost"), hello.random);
        assert_eq!((ours.record_version, ours.version), (hello.record_version, hello.version), "{name}");
        assert_eq!(ours.session_id.len(), hello.session_id.len(), "{name}");
        assert_eq!(ours.compression, hello.compression, "{name}");
        assert_eq!(ja4(&ours), ja4(&hello), "{name}");
        if hello.cipher_suites.iter().any(|suite| suite.is_grease()) {
            continue;
        }
        assert_eq!(ours.cipher_suites, hello.cipher_suites, "{name}");
        let drawn = [Extension::KEY_SHARE, template::ENCRYPTED_CLIENT_HELLO];
        let contents = |hello: &ClientHello| -> Vec<(u16, Vec<u8>)> {
            let extensions = hello.extensions.clone().unwrap_or_default();
            let kept =
                |extension: &Extension| if drawn.contains(&extension.kind) { vec![] } else { extension.data.clone() };
            extensions.iter().map(|extension| (extension.kind, kept(extension))).collect()
        };
        assert_eq!(contents(&ours), contents(&hello), "{name}");
        assert_eq!(ours.key_share_groups(), hello.key_share_groups(), "{name}");
    }
}

#[test]
fn names_are_found_or_suggested() {
    assert_eq!(named("ie-8-10-win7").unwrap().title, "Internet Explorer 8–10 on Windows 7 and earlier");
    for name in [
        "android-4.3",
        "ie-8-xp",
        "safari-6.0.4",
        "firefox-5",
        "dotnet-4.5",
        "winhttp-win7",
        "winhttp-win7-kb3140245",
        "schannel-win10",
        "schannel-win11",
        "java-8",
        "java-11",
        "java-21",
        "openssl-1.0.2",
        "openssl-1.1.1",
        "openssl-3",
        "android-5",
        "android-6",
    ] {
        assert_eq!(named(name).unwrap().name, name);
    }
    let slip = named("java8").unwrap_err();
    assert_eq!(slip.nearest.first(), Some(&"java-8"));
    assert_eq!(slip.to_string().split(';').next(), Some("no known client is called \"java8\""));
    let family = named("Chrome").unwrap_err();
    assert!(family.nearest.len() > 8 && family.nearest.iter().all(|name| name.starts_with("chrome-")));
    for name in ["", "\u{1b}[31m", &"x".repeat(10_000)] {
        let error = named(name).unwrap_err();
        assert!(error.nearest.is_empty() && !error.to_string().contains('\u{1b}'), "{error}");
    }
}
