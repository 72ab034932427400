//! Conversations on loopback, from scripts.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::net::Deadline;

const AMPLE: Duration = Duration::from_secs(30);
const BRIEF: Duration = Duration::from_millis(150);

/// What the server does in its turn.
#[derive(Clone, Copy)]
enum Turn {
    /// Sends this.
    Says(&'static [u8]),
    /// Reads one line and checks that it is this.
    Hears(&'static str),
    /// Resets the connection.
    Resets,
    /// Stays silent until the client is gone.
    Waits,
}
use Turn::{Hears, Resets, Says, Waits as StaysSilent};

const EHLO: Turn = Hears("EHLO certflight.invalid");

async fn script(turns: &'static [Turn]) -> (TcpStream, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    let task = tokio::spawn(async move {
        for turn in turns {
            match turn {
                Says(octets) => peer.write_all(octets).await.unwrap(),
                Hears(expected) => {
                    let mut line = Vec::new();
                    while !line.ends_with(b"\r\n") {
                        line.push(peer.read_u8().await.unwrap());
                    }
                    assert_eq!(std::str::from_utf8(&line).unwrap().trim_end(), *expected);
                }
                Resets => peer.set_zero_linger().unwrap(),
                StaysSilent => drop(peer.read_u8().await),
            }
        }
    });
    (stream, task)
}

async fn run_within(turns: &'static [Turn], first: Duration, later: Duration) -> Result<(), Declined> {
    let (mut stream, task) = script(turns).await;
    let result = negotiate(&mut stream, Waits { first, later, deadline: Deadline::after(AMPLE) }).await;
    drop(stream);
    task.await.expect("the script runs to its end");
    result
}

async fn run(turns: &'static [Turn]) -> Result<(), Declined> {
    run_within(turns, AMPLE, AMPLE).await
}

#[tokio::test]
async fn a_server_that_offers_it_is_brought_to_tls() {
    for turns in [
        &[
            Says(b"220-mx.test\r\n220 ESMTP ready\r\n"),
            EHLO,
            Says(b"250-mx.test greets you\r\n250-SIZE 1000\r\n250-starttls\r\n250 8BITMIME\r\n"),
            Hears("STARTTLS"),
            Says(b"220 2.0.0 go ahead\r\n"),
        ][..],
        // Line feeds alone, a bare code, and a greeting in pieces.
        &[Says(b"22"), Says(b"0\n"), EHLO, Says(b"250-mx.test\n250 STARTTLS\n"), Hears("STARTTLS"), Says(b"220\n")],
        // A masked greeting does not matter where STARTTLS is let through.
        &[
            Says(b"220 ****************\r\n"),
            EHLO,
            Says(b"250-mx.test\r\n250-XXXXXXXA\r\n250 STARTTLS\r\n"),
            Hears("STARTTLS"),
            Says(b"220 go\r\n"),
        ],
    ] {
        run(turns).await.unwrap();
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    use StarttlsRefusal::{Masked, NotOffered, Refused};
    let refused = |text: &str| Refused(text.to_owned());
    let masked = |text: &str| Masked(text.to_owned());
    for (turns, refusal, detail) in [
        (
            &[
                Says(b"220 mx.test\r\n"),
                EHLO,
                Says(b"250-mx.test STARTTLS\r\n250-PIPELINING\r\n250 XSTARTTLS x\r\n"),
                Hears("QUIT"),
            ][..],
            NotOffered,
            "it lists PIPELINING, XSTARTTLS",
        ),
        (&[Says(b"220 mx.test\r\n"), EHLO, Says(b"250 mx.test\r\n"), Hears("QUIT")], NotOffered, "it lists nothing"),
        (
            &[Says(b"220 mx.test\r\n"), EHLO, Says(b"502 5.5.2 unknown command\r\n"), Hears("QUIT")],
            NotOffered,
            "knows no EHLO, and so no STARTTLS: 502 5.5.2 unknown command",
        ),
        (
            &[
                Says(b"220 mx.test\r\n"),
                EHLO,
                Says(b"250-mx.test\r\n250-SIZE\r\n250-XXXXXXXA\r\n250 HELP\r\n"),
                Hears("QUIT"),
            ],
            masked("250-XXXXXXXA"),
            "rewrites what the server says",
        ),
        (
            &[Says(b"220 ******************0*2******\r\n"), EHLO, Says(b"250 mx.test\r\n"), Hears("QUIT")],
            masked("220 ******************0*2******"),
            "rewrites what the server says",
        ),
        (
            &[
                Says(b"220 mx.test\r\n"),
                EHLO,
                Says(b"250-mx.test\r\n250 STARTTLS\r\n"),
                Hears("STARTTLS"),
                Says(b"454 4.7.0 TLS not available due to\r\n"),
                Hears("QUIT"),
            ],
            refused("454 4.7.0 TLS not available due to"),
            "STARTTLS was answered with 454",
        ),
        (
            &[Says(b"554-no\r\n554 service for you\r\n"), Hears("QUIT")],
            refused("554 no service for you"),
            "banner was answered with 554",
        ),
        (&[Says(b"421 too busy\r\n"), Hears("QUIT")], refused("421 too busy"), "421 too busy"),
        (
            &[Says(b"220 mx.test\r\n"), EHLO, Says(b"550 who are you\r\n"), Hears("QUIT")],
            refused("550 who are you"),
            "EHLO was answered with 550",
        ),
    ] {
        let declined = run(turns).await.unwrap_err();
        assert_eq!(declined.outcome, Outcome::StarttlsRefused, "{declined:?}");
        assert_eq!(declined.refusal, Some(refusal));
        assert!(declined.detail.contains(detail), "{}", declined.detail);
    }
}

#[tokio::test]
async fn conversations_that_break_off_have_their_word() {
    for (turns, outcome, detail) in [
        (&[][..], Outcome::Closed, "banner: the server closed the connection"),
        (&[Resets], Outcome::Reset, "banner: the connection was reset"),
        (&[Says(b"220 mx.test\r\n"), EHLO], Outcome::Closed, "EHLO: the server closed the connection"),
        (&[Says(b"220 mx.test\r\n"), EHLO, Resets], Outcome::Reset, "EHLO: the connection was reset"),
        (
            &[Says(b"SSH-2.0-OpenSSH_9.9\r\n"), StaysSilent],
            Outcome::NotTls,
            "banner: what answers is not SMTP: \"SSH-2.0-OpenSSH_9.9\"",
        ),
        (&[Says(b"\x15\x03\x01\x00\x02\x02\x46")], Outcome::NotTls, "speaks TLS at once"),
        (&[Says(b"220-a\r\n250 b\r\n"), StaysSilent], Outcome::NotTls, "not SMTP: \"250 b\""),
        (&[Says(b"220_a\r\n"), StaysSilent], Outcome::NotTls, "not SMTP"),
        (&[Says(b"999 a\r\n"), StaysSilent], Outcome::NotTls, "not SMTP"),
        (&[Says(b"\r\n"), StaysSilent], Outcome::NotTls, "not SMTP"),
        (&[Says(&[b'2'; 4096]), StaysSilent], Outcome::NotTls, "not SMTP"),
        (
            &[
                Says(b"220 mx.test\r\n"),
                EHLO,
                Says(b"250-mx.test\r\n250 STARTTLS\r\n"),
                Hears("STARTTLS"),
                Says(b"220 go\r\n250 injected\r\n"),
                StaysSilent,
            ],
            Outcome::TlsFailure,
            "CVE-2011-0411",
        ),
    ] {
        let declined = run(turns).await.unwrap_err();
        assert_eq!((declined.outcome, &declined.refusal), (outcome, &None), "{declined:?}");
        assert!(declined.detail.contains(detail), "{}", declined.detail);
    }
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let (mut near, mut far) = tokio::io::duplex(512);
    let flood = tokio::spawn(async move { while far.write_all(b"220-more\r\n").await.is_ok() {} });
    let waits = Waits { first: AMPLE, later: AMPLE, deadline: Deadline::after(AMPLE) };
    let declined = negotiate(&mut near, waits).await.unwrap_err();
    assert_eq!(declined.outcome, Outcome::NotTls);
    drop(near);
    flood.await.unwrap();
}

#[tokio::test]
async fn silence_is_told_from_stopping_half_way() {
    let silent = run_within(&[StaysSilent], BRIEF, AMPLE).await.unwrap_err();
    assert_eq!(silent.outcome, Outcome::Timeout);
    assert!(silent.detail.starts_with("banner: no answer in 0.2 s"), "{}", silent.detail);
    for turns in [
        &[Says(b"220-mx"), StaysSilent][..],
        &[Says(b"220-mx.test\r\n"), StaysSilent],
        &[Says(b"220 mx.test\r\n"), EHLO, StaysSilent],
    ] {
        let stopped = run_within(turns, AMPLE, BRIEF).await.unwrap_err();
        assert_eq!(stopped.outcome, Outcome::Stalled, "{}", stopped.detail);
    }
    let (mut stream, task) = script(&[StaysSilent]).await;
    let over = Deadline(std::time::Instant::now());
    let declined = negotiate(&mut stream, Waits { first: AMPLE, later: AMPLE, deadline: over }).await.unwrap_err();
    assert_eq!(declined.outcome, Outcome::Timeout);
    drop(stream);
    task.await.unwrap();
}

proptest::proptest! {
    #[test]
    fn no_line_makes_the_reader_panic(line in proptest::collection::vec(proptest::num::u8::ANY, 0..40), keyword in "[X*A-Z]{0,12}") {
        let _ = parse(&line);
        let reply = |text: &str| Reply { code: 250, lines: vec![String::new(), text.to_owned()] };
        if let Some((code, _, _)) = parse(&line) {
            proptest::prop_assert!((200..600).contains(&code));
        }
        let masked = mask(&reply(""), &reply(&keyword)).is_some();
        proptest::prop_assert!(!masked || keyword.starts_with("XXXX"));
    }
}
