//! What of TLS a server takes: versions, suites, who can connect, and what to do.

use std::io::{self, Write};

use super::{
    BOLD, DIM, GREEN, Options, RED, YELLOW, findings, headline, message_under, quiet_line, summary, verdict_word,
};
use crate::render::text::{Page, Text};
use crate::report::tls::{TlsCertificate, TlsClient, TlsPreference, TlsReport, TlsSuite, TlsTarget, TlsVersion};
use crate::report::{Severity, Verdict};

/// Columns of the first column, its distance included.
const LABEL: usize = 14;

/// The whole report of `tls`.
///
/// # Errors
/// Those of the writer.
pub fn tls(report: &TlsReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    for (index, target) in report.targets.iter().enumerate() {
        if index > 0 && !options.quiet {
            writer.write_all(b"\n")?;
        }
        self::target(target, options, writer)?;
    }
    summary(&report.summary, options, writer)
}

fn target(target: &TlsTarget, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    if options.quiet {
        return match target.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), &target.target, &target.findings, writer),
        };
    }
    let mut page = options.page(writer);
    headline(target.verdict, &target.target, &gist(target), &mut page)?;
    if !target.versions.is_empty() {
        versions(target, &mut page)?;
    }
    if accepted(target).next().is_some() {
        suites(target, options.verbose, &mut page)?;
        facts(target, options.verbose, &mut page)?;
        clients(target, options.verbose, &mut page)?;
        page.blank()?;
        let made = match target.connections_made {
            1 => "1 connection".to_owned(),
            made => format!("{made} connections"),
        };
        page.line(
            &Text::new().styled(DIM, &format!("{made} to {}", target.address.as_deref().unwrap_or("the server"))),
        )?;
    }
    // Clients that cannot connect stand in their own table.
    let told: Vec<_> = target
        .findings
        .iter()
        .filter(|finding| {
            options.verbose || finding.code != "tls.client-incompatible" || finding.severity > Severity::Info
        })
        .cloned()
        .collect();
    findings::show(&told, &target.target, options.verbose, &mut page)
}

fn gist(target: &TlsTarget) -> Text {
    let Some(first) = target.findings.first().filter(|first| first.severity > Severity::Info) else {
        let taken: Vec<String> = accepted(target).map(|version| title(version.version)).collect();
        let taken = and(&taken);
        // Findings may have been told to be of no weight, and are facts all the same.
        return Text::of(&if is_sound(target) {
            format!("{taken} with forward secrecy, nothing older or weaker")
        } else {
            format!("{taken} is taken")
        });
    };
    let more = target.findings.iter().skip(1).filter(|finding| finding.severity > Severity::Info).count();
    let text = Text::of(message_under(&target.target, first));
    if more > 0 { text.styled(DIM, &format!(" (+{more} more)")) } else { text }
}

/// Whether all that is taken is TLS 1.2 or newer with forward secrecy and without weaknesses, and nothing is left open.
fn is_sound(target: &TlsTarget) -> bool {
    let is_new = |version: &TlsVersion| matches!(version.version, "TLSv1.2" | "TLSv1.3");
    accepted(target).next().is_some()
        && target.versions.iter().all(|version| match version.accepted {
            Some(true) => is_new(version) && version.cut_short.is_none(),
            Some(false) => true,
            None => false,
        })
        && target.cipher_suites.iter().all(|suite| suite.forward_secrecy && suite.weaknesses.is_empty())
}

fn accepted(target: &TlsTarget) -> impl Iterator<Item = &TlsVersion> {
    target.versions.iter().filter(|version| version.accepted == Some(true))
}

/// `TLSv1.2` as people write it.
fn title(version: &str) -> String {
    match version.split_once('v') {
        Some((protocol, number)) => format!("{protocol} {number}"),
        None => version.to_owned(),
    }
}

fn and(words: &[String]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn label(text: &str) -> Text {
    Text::of("  ").styled(BOLD, text).padded(LABEL)
}

fn versions(target: &TlsTarget, page: &mut Page<'_>) -> io::Result<()> {
    page.blank()?;
    let mut text = Text::new();
    for (index, version) in target.versions.iter().enumerate() {
        let is_old = !matches!(version.version, "TLSv1.2" | "TLSv1.3");
        let (word, style) = match (version.accepted, is_old) {
            (Some(true), false) => ("yes", GREEN),
            (Some(true), true) if version.version.starts_with("SSL") => ("yes", RED),
            (Some(true), true) => ("yes", YELLOW),
            (Some(false), true) => ("no", GREEN),
            (Some(false), false) => ("no", DIM),
            (None, _) => ("unknown", YELLOW),
        };
        if index > 0 {
            text = text.plain(", ");
        }
        let unbroken = title(version.version).replace(' ', "\u{a0}");
        text = text.plain(&unbroken).plain("\u{a0}").styled(style, word);
    }
    page.hanging(&label("versions"), LABEL, &text, 4)
}

/// Suites version by version. Versions that take the very same are told together.
fn suites(target: &TlsTarget, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let mut groups: Vec<(Vec<&TlsVersion>, Vec<&TlsSuite>)> = Vec::new();
    for version in accepted(target) {
        let of: Vec<&TlsSuite> = target.cipher_suites.iter().filter(|suite| suite.version == version.version).collect();
        let same = groups.iter_mut().find(|(versions, known)| {
            versions.iter().all(|known| known.preference == version.preference)
                && known.iter().map(|suite| &suite.name).eq(of.iter().map(|suite| &suite.name))
        });
        match same {
            Some((versions, _)) => versions.push(version),
            None => groups.push((vec![version], of)),
        }
    }
    for (versions, suites) in groups {
        page.blank()?;
        let names: Vec<String> = versions.iter().map(|version| title(version.version)).collect();
        let order = match versions.first().and_then(|version| version.preference) {
            Some(TlsPreference::Server) => ", in the server's order",
            Some(TlsPreference::Client) => ", in whichever order the client prefers",
            None => "",
        };
        let count = if suites.len() == 1 { "1 suite".to_owned() } else { format!("{} suites", suites.len()) };
        page.line(&Text::of("  ").styled(BOLD, &and(&names)).styled(DIM, &format!("  {count}{order}")))?;
        let width = suites.iter().map(|suite| suite.name.chars().count()).max().unwrap_or(0);
        for suite in suites {
            page.line(&row(suite, width, verbose))?;
        }
    }
    Ok(())
}

fn row(suite: &TlsSuite, width: usize, verbose: bool) -> Text {
    let mut text = Text::of("    ");
    if verbose {
        text = text.styled(DIM, &suite.code).plain("  ");
    }
    let exchange = match (&suite.group, suite.dh_bits) {
        (Some(group), _) => group.clone(),
        (None, Some(bits)) => format!("DH {bits}"),
        (None, None) => String::new(),
    };
    let indent = text.width();
    text = text.plain(&suite.name);
    let mut remarks: Vec<(anstyle::Style, String)> = Vec::new();
    if !suite.weaknesses.is_empty() {
        remarks.push((RED, format!("weak: {}", suite.weaknesses.join(", "))));
    }
    if !suite.forward_secrecy {
        remarks.push((YELLOW, "no forward secrecy".to_owned()));
    }
    if exchange.is_empty() && remarks.is_empty() {
        return text;
    }
    text = text.padded(indent.saturating_add(width).saturating_add(2)).styled(DIM, &exchange);
    if !remarks.is_empty() {
        if !exchange.is_empty() {
            text = text.plain("  ");
        }
        for (index, (style, remark)) in remarks.iter().enumerate() {
            text = text.plain(if index > 0 { ", " } else { "" }).styled(*style, remark);
        }
    }
    text
}

fn facts(target: &TlsTarget, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    page.blank()?;
    let mut fact = |name: &str, value: Text| page.hanging(&label(name), LABEL, &value, 6);
    if !target.groups.is_empty() {
        let text = Text::of(&target.groups.join(", "));
        let hybrid =
            if target.post_quantum_groups.is_empty() && accepted(target).any(|version| version.version == "TLSv1.3") {
                text.styled(DIM, " (none against quantum computers)")
            } else {
                text
            };
        fact("groups", hybrid)?;
    }
    if !target.signature_algorithms.is_empty() {
        fact("signatures", Text::of(&target.signature_algorithms.join(", ")))?;
    }
    for certificate in &target.certificates {
        fact("certificate", self::certificate(certificate))?;
    }
    if let Some(alpn) = target.alpn.as_ref().filter(|alpn| !alpn.is_empty()) {
        fact("ALPN", Text::of(&alpn.join(", ")))?;
    }
    let session = sessions(target);
    if !session.is_empty() {
        fact("sessions", Text::of(&session.join(", ")))?;
    }
    let (good, bad) = protections(target);
    if !good.is_empty() || !bad.is_empty() {
        let mut text = Text::of(&good.join(", "));
        for (index, lack) in bad.iter().enumerate() {
            text = text.plain(if index > 0 || !good.is_empty() { ", " } else { "" }).styled(YELLOW, lack);
        }
        fact("protections", text)?;
    }
    if target.client_certificate_requested == Some(true) {
        fact("client", Text::of("a certificate is asked for"))?;
    }
    if let Some(office) = &target.office365 {
        let mut text = match office.compatible {
            Some(true) => Text::new().styled(GREEN, "can connect"),
            Some(false) => Text::new().styled(YELLOW, "cannot connect"),
            None => Text::of("not known"),
        };
        text = text.plain(&format!(", {} of its 8 suites taken with TLS 1.2", office.suites.len()));
        if office.needs_triple_des {
            text = text.plain(", nothing but 3DES");
        }
        if office.sha1_in_chain {
            text = text.plain(", ").styled(YELLOW, "SHA-1 in the chain");
        }
        if verbose && !office.suites.is_empty() {
            text = text.plain(&format!(": {}", office.suites.join(", ")));
        }
        fact("Office 365", text)?;
    }
    for intolerance in &target.intolerances {
        fact("intolerance", Text::of(intolerance))?;
    }
    Ok(())
}

fn certificate(certificate: &TlsCertificate) -> Text {
    let mut parts: Vec<String> = Vec::new();
    match &certificate.key {
        Some(key) => {
            let size = key.curve.clone().or(key.bits.map(|bits| bits.to_string()));
            parts.push(size.map_or(key.algorithm.clone(), |size| format!("{} {size}", key.algorithm)));
        }
        None => parts.push("a certificate that does not decode".to_owned()),
    }
    parts.extend(certificate.subject.clone());
    parts.extend(certificate.signature_algorithm.clone());
    Text::of(&parts.join(", "))
}

fn sessions(target: &TlsTarget) -> Vec<String> {
    let resumption = &target.resumption;
    let mut words = Vec::new();
    match resumption.session_ticket {
        Some(true) => words.push("tickets".to_owned()),
        Some(false) => words.push("no tickets".to_owned()),
        None => {}
    }
    match resumption.session_id {
        Some(true) => words.push("identifiers".to_owned()),
        Some(false) => words.push("no identifiers".to_owned()),
        None => {}
    }
    match resumption.resumed {
        Some(true) => words.push("resumed when tried".to_owned()),
        Some(false) => words.push("not resumed when tried".to_owned()),
        None => {}
    }
    words
}

/// What is there and what is not.
fn protections(target: &TlsTarget) -> (Vec<String>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (fact, name) in [
        (target.secure_renegotiation, "secure renegotiation"),
        (target.extended_master_secret, "extended master secret"),
        (target.encrypt_then_mac, "encrypt-then-MAC"),
        (target.fallback_scsv, "fallback signal"),
    ] {
        match fact {
            Some(true) => good.push(name.to_owned()),
            Some(false) => bad.push(format!("no {name}")),
            None => {}
        }
    }
    if target.compression == Some(true) {
        bad.push("compression (CRIME)".to_owned());
    }
    (good, bad)
}

/// Who cannot connect, by the reason; with `verbose` what everyone else gets as well.
fn clients(target: &TlsTarget, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    if target.clients.is_empty() {
        return Ok(());
    }
    let of = |wanted: Option<bool>| -> Vec<&TlsClient> {
        target.clients.iter().filter(|client| client.connects == wanted).collect()
    };
    page.blank()?;
    let (can, cannot, open) = (of(Some(true)), of(Some(false)), of(None));
    let count = format!("  {} of {} known clients can connect", can.len(), target.clients.len());
    page.line(&Text::new().styled(BOLD, &count))?;
    for (clients, words, style) in [(&cannot, "cannot", YELLOW), (&open, "not known", DIM)] {
        let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
        for client in clients {
            let reason = client.reason.as_deref().unwrap_or("the server refuses it");
            match by_reason.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, titles)) => titles.push(&client.title),
                None => by_reason.push((reason, vec![&client.title])),
            }
        }
        for (reason, titles) in by_reason {
            let text = Text::new().styled(style, words).plain(&format!(": {reason}"));
            page.hanging(&Text::of("    "), 6, &text, 4)?;
            page.block(8, &Text::of(&titles.join(", ")), usize::MAX)?;
        }
    }
    if verbose {
        by_result(&can, page)?;
    }
    Ok(())
}

/// What clients get, those that get the same together.
fn by_result(can: &[&TlsClient], page: &mut Page<'_>) -> io::Result<()> {
    let mut by_result: Vec<(String, Vec<&str>)> = Vec::new();
    for client in can {
        let parts: Vec<String> = [client.version.map(title), client.cipher_suite.clone(), client.group.clone()]
            .into_iter()
            .flatten()
            .collect();
        let result = parts.join(", ");
        match by_result.iter_mut().find(|(known, _)| *known == result) {
            Some((_, titles)) => titles.push(&client.title),
            None => by_result.push((result, vec![&client.title])),
        }
    }
    for (result, titles) in by_result {
        let text = Text::new().styled(GREEN, "can").plain(&format!(": {result}"));
        page.hanging(&Text::of("    "), 6, &text, 4)?;
        page.block(8, &Text::of(&titles.join(", ")), usize::MAX)?;
    }
    Ok(())
}
