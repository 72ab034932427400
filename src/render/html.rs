//! A small page for the client itself: what it offers.

use super::escape::escape;
use crate::report::listen::{Connection, Hello};

/// The page that is shown after a handshake.
#[must_use]
pub fn page(connection: &Connection) -> String {
    let mut body = String::from("<h1>What this client offers</h1>\n");
    if let Some(hello) = &connection.hello {
        let verdict = match (hello.tls12_would_succeed, &hello.why_not) {
            (Some(true), _) => "It can connect where only TLS 1.2 and newer are spoken.".to_owned(),
            (_, Some(why)) => format!("It may not connect where only TLS 1.2 and newer are spoken: it {why}."),
            (_, None) => "It may not connect where only TLS 1.2 and newer are spoken.".to_owned(),
        };
        body.push_str(&format!("<p><strong>{}</strong></p>\n", text(&verdict)));
    }
    body.push_str("<table>\n");
    let mut row = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            body.push_str(&format!("<tr><th>{}</th><td>{}</td></tr>\n", text(label), text(&value)));
        }
    };
    row("From", Some(connection.source.clone()));
    if let Some(handshake) = &connection.handshake {
        row("Agreed on", handshake.version.clone());
        row("Suite agreed on", handshake.cipher_suite.clone());
    }
    if let Some(hello) = &connection.hello {
        let Hello {
            server_name, highest, versions, cipher_suites, weak_cipher_suites, groups, alpn, ja4, client, ..
        } = hello;
        row("Asks for", server_name.clone());
        row("Newest version", highest.clone());
        row("Versions", versions.as_ref().map(|versions| versions.join(", ")));
        row("Weak suites", Some(weak_cipher_suites.join(", ")));
        row("Suites", Some(cipher_suites.join(", ")));
        row("Groups", Some(groups.join(", ")));
        row("Protocols (ALPN)", Some(alpn.join(", ")));
        row("JA4", ja4.clone());
        row("Looks like", client.clone());
    }
    body.push_str("</table>\n");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>What this client offers</title>\n\
         <style>body{{font-family:sans-serif;max-width:50em;margin:2em auto}}th{{text-align:left;vertical-align:top;\
         padding-right:1em;white-space:nowrap}}td{{overflow-wrap:anywhere}}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

/// As it may stand between tags.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in escape(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
