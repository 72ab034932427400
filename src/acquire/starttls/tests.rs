//! What holds for every protocol.

use std::time::Duration;

use proptest::prelude::*;

use super::script::{AMPLE, NAME, Turn, after, breaks_off, run_within, waits};
use super::*;
use crate::target::Opening;

const BRIEF: Duration = Duration::from_millis(50);

/// A good conversation of each.
const GOOD: &[(Scheme, &[Turn])] = &[
    (Scheme::Smtp, smtp::tests::GOOD),
    (Scheme::Submission, smtp::tests::GOOD),
    (Scheme::Imap, imap::tests::GOOD),
    (Scheme::Pop3, pop3::tests::GOOD),
    (Scheme::Ftp, ftp::tests::GOOD),
    (Scheme::Ldap, ldap::tests::GOOD),
    (Scheme::Xmpp, xmpp::tests::GOOD),
    (Scheme::XmppServer, xmpp::tests::GOOD_BETWEEN_SERVERS),
    (Scheme::Sieve, sieve::tests::GOOD),
    (Scheme::Nntp, nntp::tests::GOOD),
    (Scheme::Postgres, postgres::tests::GOOD),
    (Scheme::Mysql, mysql::tests::GOOD),
    (Scheme::Mssql, mssql::tests::GOOD),
    (Scheme::Rdp, rdp::tests::GOOD),
];

fn on_request() -> impl Iterator<Item = (Scheme, &'static str, Scheme)> {
    Scheme::ALL.iter().filter_map(|scheme| match scheme.opening() {
        Opening::OnRequest { request, at_once } => Some((*scheme, request, at_once)),
        Opening::AtOnce => None,
    })
}

/// All that the server says in a conversation.
fn said(turns: &[Turn]) -> Vec<u8> {
    let said = turns.iter().map(|turn| match turn {
        Turn::Says(octets) => *octets,
        _ => b"",
    });
    said.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn every_protocol_is_brought_to_tls() {
    let tried: Vec<Scheme> = GOOD.iter().map(|(scheme, _)| *scheme).collect();
    assert_eq!(tried, on_request().map(|(scheme, ..)| scheme).collect::<Vec<_>>());
    for (scheme, turns) in GOOD {
        let (result, beyond) = run_within(*scheme, turns, waits()).await;
        assert_eq!((result, beyond), (Ok(()), Vec::new()), "{scheme:?}");
        assert_eq!(after(*scheme, said(turns)).await, Ok(()), "{scheme:?}");
    }
}

#[tokio::test]
async fn a_conversation_cut_anywhere_is_closed_and_never_a_refusal() {
    for (scheme, turns) in GOOD {
        let said = said(turns);
        for cut in 0..said.len() {
            let declined = after(*scheme, said[..cut].to_vec()).await.unwrap_err();
            assert_eq!(
                (declined.outcome, declined.refusal.as_ref()),
                (Outcome::Closed, None),
                "{scheme:?} {cut}: {declined:?}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_taken_for_tls_that_was_said_in_the_clear() {
    for (scheme, turns) in GOOD {
        let declined = after(*scheme, [said(turns), b"\x16\x03\x03\0\x02".to_vec()].concat()).await.unwrap_err();
        assert_eq!(
            (declined.outcome, declined.refusal.as_ref()),
            (Outcome::TlsFailure, None),
            "{scheme:?}: {declined:?}"
        );
        assert!(declined.detail.contains("CVE-2011-0411"), "{}", declined.detail);
    }
}

#[tokio::test]
async fn silence_is_told_from_stopping_half_way() {
    for (scheme, turns) in GOOD {
        let (result, _) = run_within(*scheme, &[Turn::Waits], Waits { first: BRIEF, ..waits() }).await;
        let silent = result.unwrap_err();
        assert_eq!(silent.outcome, Outcome::Timeout, "{scheme:?}: {silent:?}");
        assert!(silent.detail.ends_with(": no answer in 50 ms"), "{}", silent.detail);

        let said = said(turns);
        let (near, mut far) = tokio::io::duplex(1 << 16);
        tokio::io::AsyncWriteExt::write_all(&mut far, &said[..said.len() / 2]).await.unwrap();
        let result = negotiate(*scheme, Box::new(near), NAME, Waits { first: BRIEF, later: BRIEF, ..waits() }).await;
        let expected = if said.len() / 2 == 0 { Outcome::Timeout } else { Outcome::Stalled };
        assert_eq!(result.unwrap_err().0.outcome, expected, "{scheme:?}");
        drop(far);

        let over = Waits { deadline: Deadline(Instant::now()), ..waits() };
        let (result, _) = run_within(*scheme, &[Turn::Waits], over).await;
        let declined = result.unwrap_err();
        assert!(matches!(declined.outcome, Outcome::Timeout | Outcome::Stalled), "{scheme:?}: {declined:?}");
        let by_deadline = crate::net::limits::names_deadline(&declined.detail);
        assert!(by_deadline, "{scheme:?}: {}", declined.detail);
    }
}

#[tokio::test]
async fn what_is_no_server_of_the_protocol_is_told() {
    for (scheme, _, at_once) in on_request() {
        let expected = match at_once {
            Scheme::Tls => "speaks TLS at once; use tls://".to_owned(),
            other => format!("speaks TLS at once; use {}:// or tls://", other.name()),
        };
        // An alert, as from a server that did not get its ClientHello; it may leave the connection open.
        for turns in [&[Turn::Says(b"\x15\x03\x01\0\x02\x02\x46"), Turn::Waits][..], &[Turn::Says(b"\x15\x03\x01")]] {
            let (result, _) = run_within(scheme, turns, waits()).await;
            let declined = result.unwrap_err();
            assert_eq!(declined.outcome, Outcome::NotTls, "{scheme:?}: {declined:?}");
            assert!(declined.detail.contains(&expected), "{}", declined.detail);
        }
        for foreign in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"RFB 003.008\n",
            b"\xff\xfd\x18\xff\xfd\x20",
            b"<html><head>",
            b"\x7fELF\x02\x01\x01\0",
            &[b'2'; 9000],
            &[0xff; 9000],
        ] {
            let declined = after(scheme, foreign.to_vec()).await.unwrap_err();
            assert_eq!(declined.outcome, Outcome::NotTls, "{scheme:?} {}: {declined:?}", foreign.escape_ascii());
            let expected = format!("what answers is not {}: ", scheme.protocol());
            assert!(declined.detail.contains(&expected), "{}", declined.detail);
        }
        breaks_off(
            scheme,
            &[
                (&[], Outcome::Closed, ": the server closed the connection"),
                (&[Turn::Resets], Outcome::Reset, ": the connection was reset"),
            ],
        )
        .await;
    }
}

/// Each server on each port, all that it says in a good conversation.
#[tokio::test]
async fn no_protocol_is_taken_for_another() {
    for (scheme, _) in GOOD {
        for (other, turns) in GOOD.iter().filter(|(other, _)| other.protocol() != scheme.protocol()) {
            let result = after(*scheme, said(turns)).await;
            assert!(result.is_err(), "{other:?} was taken for {scheme:?}");
        }
    }
}

#[tokio::test]
async fn answers_without_end_are_cut_off() {
    for (scheme, endless) in [
        (Scheme::Smtp, &b"220-more\r\n"[..]),
        (Scheme::Ftp, b"220-more\r\n"),
        (Scheme::Sieve, b"\"MORE\"\r\n"),
        (Scheme::Sieve, b"\"\" {9}\r\n{99}\r\n{9"),
        (Scheme::Xmpp, b"<a xmlns='b'>"),
        (Scheme::Xmpp, b"   "),
        (Scheme::Postgres, b"E is for error"),
        (Scheme::Mssql, b"\x04\0\0\x09\0\0\0\0\0"),
        (Scheme::Mssql, b"\x04\0\0\x08\0\0\0\0"),
    ] {
        let declined = after(scheme, endless.repeat(20_000)).await.unwrap_err();
        assert_eq!(declined.outcome, Outcome::NotTls, "{scheme:?}: {declined:?}");
    }
    for (scheme, greeting, endless) in [
        (Scheme::Imap, &b"* OK hello\r\n"[..], &b"* MORE\r\n"[..]),
        (Scheme::Pop3, b"+OK hello\r\n+OK list\r\n", b"MORE\r\n"),
        (Scheme::Nntp, b"200 hello\r\n101 list\r\n", b"MORE\r\n"),
        (Scheme::Smtp, b"220 hello\r\n250-list\r\n", b"250-MORE\r\n"),
    ] {
        let declined = after(scheme, [greeting, &endless.repeat(1000)].concat()).await.unwrap_err();
        assert_eq!(declined.outcome, Outcome::NotTls, "{scheme:?}: {declined:?}");
    }
}

#[test]
fn schemes_that_begin_with_tls_are_left_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for scheme in Scheme::ALL.iter().filter(|scheme| scheme.opening() == Opening::AtOnce) {
        let negotiated = runtime.block_on(negotiate(*scheme, Box::new(tokio::io::empty()), NAME, waits()));
        assert_eq!(negotiated.unwrap().elapsed, None, "{scheme:?}");
    }
    assert!(AMPLE > BRIEF);
}

proptest! {
    /// Whatever is said, and however a good conversation is spoilt: an answer, no panic.
    #[test]
    fn no_octets_make_a_negotiation_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..80),
        at in any::<prop::sample::Index>(),
        flip in any::<u8>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for (scheme, turns) in GOOD {
            let mut said = said(turns);
            let at = at.index(said.len());
            let spoilt = [&said[..at], &octets].concat();
            said[at] ^= flip;
            for said in [octets.clone(), spoilt, said] {
                if let Err(declined) = runtime.block_on(after(*scheme, said)) {
                    prop_assert_eq!(declined.refusal.is_some(), declined.outcome == Outcome::StarttlsRefused);
                    prop_assert!(declined.detail.len() < 2000);
                }
            }
        }
    }
}
