use super::super::script::Turn::{Hears, Says, Waits};
use super::super::script::{Turn, accepts, breaks_off, refuses};
use super::Smtp;
use crate::acquire::StarttlsRefusal::{Masked, NotOffered, Refused};
use crate::net::Outcome;
use crate::target::Scheme;

const EHLO: Turn = Hears(b"EHLO certflight.invalid\r\n");
const STARTTLS: Turn = Hears(b"STARTTLS\r\n");

pub(in super::super) const GOOD: &[Turn] = &[
    Says(b"220-mx.test\r\n220 ESMTP ready\r\n"),
    EHLO,
    Says(b"250-mx.test greets you\r\n250-SIZE 1000\r\n250-starttls\r\n250 8BITMIME\r\n"),
    STARTTLS,
    Says(b"220 2.0.0 go ahead\r\n"),
];

#[tokio::test]
async fn a_server_that_offers_it_is_brought_to_tls() {
    accepts(
        Scheme::Submission,
        &[
            // Line feeds alone, a bare code, and a greeting in pieces.
            &[Says(b"22"), Says(b"0\n"), EHLO, Says(b"250-mx.test\n250 STARTTLS\n"), STARTTLS, Says(b"220\n")],
            // A masked greeting does not matter where STARTTLS is let through.
            &[
                Says(b"220 ****************\r\n"),
                EHLO,
                Says(b"250-mx.test\r\n250-XXXXXXXA\r\n250 STARTTLS\r\n"),
                STARTTLS,
                Says(b"220 go\r\n"),
            ],
        ],
    )
    .await;
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let refused = |text: &str| Refused(text.to_owned());
    let masked = |text: &str| Masked(text.to_owned());
    refuses::<Smtp>(
        Scheme::Smtp,
        &[
            (
                &[
                    Says(b"220 mx.test\r\n"),
                    EHLO,
                    Says(b"250-mx.test STARTTLS\r\n250-PIPELINING\r\n250 XSTARTTLS x\r\n"),
                ],
                NotOffered,
                "it lists PIPELINING, XSTARTTLS",
            ),
            (&[Says(b"220 mx.test\r\n"), EHLO, Says(b"250 mx.test\r\n")], NotOffered, "it lists nothing"),
            (
                &[Says(b"220 mx.test\r\n"), EHLO, Says(b"502 5.5.2 unknown command\r\n")],
                NotOffered,
                "knows no EHLO, and so no STARTTLS: 502 5.5.2 unknown command",
            ),
            (
                &[Says(b"220 mx.test\r\n"), EHLO, Says(b"250-mx.test\r\n250-SIZE\r\n250-XXXXXXXA\r\n250 HELP\r\n")],
                masked("250-XXXXXXXA"),
                "rewrites what the server says",
            ),
            (
                &[Says(b"220 ******************0*2******\r\n"), EHLO, Says(b"250 mx.test\r\n")],
                masked("220 ******************0*2******"),
                "rewrites what the server says",
            ),
            (
                &[Says(b"220 **********\r\n"), EHLO, Says(b"500 what\r\n")],
                masked("220 **********"),
                "rewrites what the server says",
            ),
            (
                &[
                    Says(b"220 mx.test\r\n"),
                    EHLO,
                    Says(b"250-mx.test\r\n250 STARTTLS\r\n"),
                    STARTTLS,
                    Says(b"454 4.7.0 TLS not available due to\r\n"),
                ],
                refused("454 4.7.0 TLS not available due to"),
                "STARTTLS was answered with 454",
            ),
            (
                &[Says(b"554-no\r\n554 service for you\r\n")],
                refused("554 no service for you"),
                "banner was answered with 554",
            ),
            (&[Says(b"421 too busy\r\n")], refused("421 too busy"), "421 too busy"),
            (
                &[Says(b"220 mx.test\r\n"), EHLO, Says(b"550 who are you\r\n")],
                refused("550 who are you"),
                "EHLO was answered with 550",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn conversations_that_break_off_have_their_word() {
    breaks_off(
        Scheme::Smtp,
        &[
            (&[Says(b"220 mx.test\r\n"), EHLO], Outcome::Closed, "EHLO: the server closed the connection"),
            (&[Says(b"220 mx.test\r\n"), EHLO, Turn::Resets], Outcome::Reset, "EHLO: the connection was reset"),
            (&[Says(b"220-a\r\n250 b\r\n"), Waits], Outcome::NotTls, "not SMTP: \"250 b\""),
            (&[Says(b"200 news.test\r\n"), Waits], Outcome::NotTls, "not SMTP: \"200 news.test\""),
            (&[Says(b"220_a\r\n"), Waits], Outcome::NotTls, "not SMTP"),
            (&[Says(b"999 a\r\n"), Waits], Outcome::NotTls, "not SMTP"),
            (&[Says(b"\r\n"), Waits], Outcome::NotTls, "not SMTP"),
        ],
    )
    .await;
}
