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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::{CipherSuite, ClientHello, Extension, Offered, Version};
    use crate::listen::{Guesses, Observation, Offer, Seen};

    #[test]
    fn what_a_client_sends_cannot_become_markup() {
        let name = "<script>alert('1')</script>\"&\u{202e}";
        let extensions = vec![Extension::server_name(name), Extension::alpn(&["<b>"])];
        let hello = ClientHello::new(Version::Tls12, [1; 32], vec![CipherSuite(0xc02f)], extensions);
        let offer = Offer::of(&Offered::Tls(hello), &Guesses::default());
        let page = page(&Connection::new(&Observation {
            source: ([192, 0, 2, 7], 50_000).into(),
            local: ([192, 0, 2, 1], 443).into(),
            at: "2026-03-01T12:00:00Z".parse().unwrap(),
            ehlo: None,
            seen: Seen::Hello(Box::new(offer)),
            finish: None,
        }));
        let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;\\u{202e}";
        assert!(page.contains(escaped) && page.contains("&lt;b&gt;"), "{page}");
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains('\u{202e}'), "{page}");
        assert!(page.contains("It can connect where only TLS 1.2 and newer are spoken."));
    }
}
