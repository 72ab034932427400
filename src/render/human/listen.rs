//! Clients that connect: a line for each new one, a screen that is drawn again and again, and the summary.

use std::io::{self, Write};

use anstyle::Style;

use super::{BOLD, DIM, GREEN, Options, RED, YELLOW, findings, phrase, quiet_line, verdict_style, verdict_word};
use crate::handshake::Version;
use crate::render::text::{Page, Text};
use crate::report::listen::{Client, ListenReport, Manner};
use crate::report::{Time, Verdict};

/// The whole report of `listen`.
///
/// # Errors
/// Those of the writer.
pub fn listen(report: &ListenReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    if options.quiet {
        return match report.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), &places(report), &report.findings, writer),
        };
    }
    let mut page = options.page(writer);
    let title = Text::new().styled(verdict_style(report.verdict), verdict_word(report.verdict)).plain("  ");
    page.hanging(&Text::new(), 2, &title.styled(BOLD, &places(report)).plain(" — ").then(&gist(report)), usize::MAX)?;
    if !report.clients.is_empty() {
        page.blank()?;
        table(&report.clients, report.finished, &mut page)?;
    }
    if options.verbose {
        details(report, &mut page)?;
    }
    page.blank()?;
    numbers(report, &mut page)?;
    findings::show(&report.findings, &places(report), options.verbose, &mut page)
}

/// One line for a client that was not seen before.
///
/// # Errors
/// Those of the writer.
pub fn new_client(client: &Client, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    let mut text = Text::new().styled(DIM, &client.first_seen.to_string()).plain("  ").plain(&client.source);
    text = text.plain("  ").plain(&newest(client)).plain("  ");
    text = match (client.tls12_would_succeed, &client.why_not) {
        (Some(true), _) => text.styled(GREEN, "fit for TLS 1.2"),
        (_, why) => text.styled(
            if client.tls12_would_succeed.is_none() { YELLOW } else { RED },
            why.as_deref().unwrap_or("not fit for TLS 1.2"),
        ),
    };
    let about = [
        client.server_name.as_ref().map(|name| format!("asks for {name}")),
        client.ehlo.as_ref().map(|name| format!("greets as {name}")),
        (!client.weaknesses.is_empty()).then(|| format!("weak suites: {}", client.weaknesses.join(", "))),
        client.client.clone(),
        client.ja4.clone(),
    ];
    for part in about.into_iter().flatten() {
        text = text.plain("; ").plain(&part);
    }
    // For logs: not cut.
    Page { width: usize::MAX, color: options.color, writer }.line(&text)
}

/// A screen of at most that many lines, none wider than the page. What does not fit is counted.
///
/// # Errors
/// Those of the writer.
pub fn live(report: &ListenReport, lines: usize, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    let mut page = options.page(writer);
    let elapsed = phrase::span(phrase::seconds_between(report.started, report.finished));
    page.line(&Text::new().styled(BOLD, &format!("Listening on {}, for {elapsed}", places(report))))?;
    page.line(&counted(report))?;
    page.line(&Text::new())?;
    // Above: three lines. Below: the table's header, what is left out, and how to end.
    let room = lines.saturating_sub(6);
    let shown = report.clients.get(..room.min(report.clients.len())).unwrap_or_default();
    if shown.is_empty() {
        page.line(&Text::new().styled(DIM, if report.clients.is_empty() { "no client yet" } else { "" }))?;
    } else {
        table(shown, report.finished, &mut page)?;
    }
    let more = report.summary.clients.saturating_sub(shown.len());
    let left_out = if more == 0 { String::new() } else { format!("… and {}", clients(more)) };
    page.line(&Text::new().styled(DIM, &left_out))?;
    page.line(&Text::new().styled(DIM, "Ctrl-C ends this and sums up"))
}

/// Where it listens, and what is done there.
fn places(report: &ListenReport) -> String {
    let places = report.listening.join(" and ");
    let before = if report.starttls.is_some() { ", STARTTLS" } else { "" };
    match (report.manner, &report.forward) {
        (Manner::Forward, Some(service)) => format!("{places}{before}, forwarding to {service}"),
        (Manner::Serve, _) => format!("{places}{before}, completing handshakes"),
        _ => format!("{places}{before}"),
    }
}

fn gist(report: &ListenReport) -> Text {
    let summary = &report.summary;
    let all = clients(summary.clients);
    let elapsed = phrase::span(phrase::seconds_between(report.started, report.finished));
    let unlisted = summary.unlisted_unable > 0;
    match (summary.clients, summary.clients_unable) {
        (0, _) => Text::of(&format!("no client in {elapsed}")),
        (1, 0) if !unlisted => Text::of(&format!("the one client in {elapsed} can do TLS 1.2")),
        (_, 0) if !unlisted => Text::of(&format!("all of {all} in {elapsed} can do TLS 1.2")),
        (1, _) => Text::of(&format!("the one client in {elapsed} cannot do TLS 1.2 with a good suite")),
        (_, unable) => Text::of(&format!("{unable} of {all} in {elapsed} cannot do TLS 1.2 with a good suite")),
    }
}

fn counted(report: &ListenReport) -> Text {
    let summary = &report.summary;
    let mut text = Text::of(&format!("{}, {}", connections(summary.connections), clients(summary.clients)));
    if summary.clients_unable > 0 {
        text = text.plain(", ").styled(RED, &format!("{} without TLS 1.2", summary.clients_unable));
    }
    let without: u64 = summary.without_hello.iter().map(|it| it.connections).sum();
    if without > 0 {
        text = text.plain(&format!(", {without} without a hello"));
    }
    let let_go = summary.without_hello.iter().find(|it| it.outcome == "let-go").map_or(0, |it| it.connections);
    for (count, words) in [
        (let_go, "let go for want of room"),
        (summary.unlisted, "of clients beyond the list"),
        (summary.lost, "not told of"),
        (summary.accept_failures, "not accepted at once"),
    ] {
        if count > 0 {
            text = text.plain(", ").styled(YELLOW, &format!("{count} {words}"));
        }
    }
    text
}

fn numbers(report: &ListenReport, page: &mut Page<'_>) -> io::Result<()> {
    let summary = &report.summary;
    let label = |text: &str| Text::new().styled(DIM, text).padded(16);
    let by_version: Vec<String> = summary
        .by_highest
        .iter()
        .map(|it| {
            let version = it.version.as_deref().map_or("none known", title);
            format!("{version}: {}, {}", clients(it.clients), connections(it.hellos))
        })
        .collect();
    if !by_version.is_empty() {
        page.paragraph(&label("newest version"), &Text::of(&by_version.join("; ")))?;
    }
    let without: Vec<String> =
        summary.without_hello.iter().map(|it| format!("{} {}", it.connections, phrase_of(&it.outcome))).collect();
    if !without.is_empty() {
        page.paragraph(&label("without a hello"), &Text::of(&without.join(", ")))?;
    }
    page.paragraph(&label("all"), &Text::of(&connections(summary.connections)))
}

/// With `--verbose`: what the table has no room for.
fn details(report: &ListenReport, page: &mut Page<'_>) -> io::Result<()> {
    for client in &report.clients {
        page.blank()?;
        page.line(&Text::new().styled(BOLD, &client.source).plain("  ").plain(&newest(client)))?;
        let fields = [
            ("asks for", client.server_name.clone()),
            ("greets as", client.ehlo.clone()),
            (
                "versions",
                client
                    .versions
                    .as_ref()
                    .map(|versions| versions.iter().map(|it| title(it)).collect::<Vec<_>>().join(", ")),
            ),
            ("obstacle", client.why_not.clone()),
            ("weak suites", Some(client.weak_cipher_suites.join(", ")).filter(|list| !list.is_empty())),
            ("JA4", client.ja4.clone()),
            ("client", client.client.clone()),
            ("failed", client.last_failure.clone()),
            ("seen", Some(format!("{} to {}", client.first_seen, client.last_seen))),
        ];
        for (label, text) in fields {
            if let Some(text) = text {
                let label = Text::new().padded(2).styled(DIM, label).padded(15);
                page.paragraph(&label, &Text::of(&text))?;
            }
        }
    }
    let strangers = &report.without_hello;
    if !strangers.is_empty() {
        page.blank()?;
        page.line(&Text::new().styled(BOLD, "Without a hello"))?;
    }
    for stranger in strangers {
        let detail = stranger.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        let text = format!("{} {}{detail}", stranger.connections, phrase_of(&stranger.outcome));
        page.paragraph(&Text::of("  ").plain(&stranger.source).plain("  "), &Text::of(&text))?;
    }
    Ok(())
}

/// What a connection without a hello was.
fn phrase_of(outcome: &str) -> &str {
    match outcome {
        "not-tls" => "not TLS",
        "closed" => "closed without a word",
        "reset" => "reset",
        "timeout" => "silent",
        "stalled" => "broken off in the middle",
        "truncated" => "ended in the middle",
        "too-large" => "too large",
        "no-starttls" => "without STARTTLS",
        "let-go" => "let go for want of room",
        "service-unreachable" => "not passed on, for the service was not reached",
        other => other,
    }
}

struct Column {
    header: &'static str,
    cells: Vec<Text>,
    /// It is not made narrower than that; `None`: it keeps its width.
    least: Option<usize>,
    right: bool,
}

impl Column {
    fn natural(&self) -> usize {
        self.cells.iter().map(Text::width).max().unwrap_or(0).max(self.header.len())
    }
}

fn table(clients: &[Client], now: Time, page: &mut Page<'_>) -> io::Result<()> {
    let column = |header, least, cell: &dyn Fn(&Client) -> Text| Column {
        header,
        cells: clients.iter().map(cell).collect(),
        least,
        right: false,
    };
    let fitness = |client: &Client| match client.tls12_would_succeed {
        Some(true) => Text::new().styled(GREEN, "yes"),
        Some(false) => Text::new().styled(RED.bold(), "no"),
        None => Text::new().styled(YELLOW, "retry"),
    };
    let name = |client: &Client| {
        let ehlo = client.ehlo.as_ref().map(|name| format!("EHLO {name}"));
        Text::of(client.server_name.as_ref().or(ehlo.as_ref()).map_or("", String::as_str))
    };
    let last = |client: &Client| {
        let ago = phrase::seconds_between(client.last_seen, now).max(0);
        Text::new().styled(DIM, &format!("{} ago", phrase::span(ago)))
    };
    let mut columns = vec![
        column("source", Some(15), &|client| Text::of(&client.source)),
        column("asks for", Some(10), &name),
        column("newest", None, &|client| Text::new().styled(newest_style(client), &newest(client))),
        column("TLS 1.2", None, &fitness),
        column("weak suites", Some(8), &|client| Text::of(&client.weaknesses.join(", "))),
        column("client", Some(8), &|client| Text::of(client.client.as_deref().unwrap_or(""))),
        Column { right: true, ..column("seen", None, &|client| Text::of(&client.connections.to_string())) },
        column("last", None, &last),
    ];
    // What nobody has takes no room.
    columns.retain(|column| column.header == "source" || column.cells.iter().any(|cell| !cell.is_empty()));
    let mut widths: Vec<usize> = columns.iter().map(Column::natural).collect();
    let gaps = 2 * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > page.width {
        let can_shrink = |(index, width): &(usize, &mut usize)| {
            columns.get(*index).and_then(|column| column.least).is_some_and(|least| **width > least)
        };
        let widest = widths.iter_mut().enumerate().filter(can_shrink).max_by_key(|(_, width)| **width);
        // The page cuts what is still too wide.
        let Some((_, width)) = widest else { break };
        *width -= 1;
    }
    let mut header = Text::new();
    let mut end = 0;
    for (column, width) in columns.iter().zip(&widths) {
        let title = Text::new().styled(DIM, column.header).cut(*width);
        let lead = if column.right { width.saturating_sub(title.width()) } else { 0 };
        header = header.padded(end + lead).then(&title);
        end += width + 2;
    }
    page.line(&header)?;
    for row in 0..clients.len() {
        let (mut line, mut end) = (Text::new(), 0);
        for (column, width) in columns.iter().zip(&widths) {
            let Some(cell) = column.cells.get(row).map(|cell| cell.cut(*width)) else { continue };
            let lead = if column.right { width.saturating_sub(cell.width()) } else { 0 };
            line = line.padded(end + lead).then(&cell);
            end += width + 2;
        }
        page.line(&line)?;
    }
    Ok(())
}

fn newest(client: &Client) -> String {
    client.highest.as_deref().map_or("none known", title).to_owned()
}

fn newest_style(client: &Client) -> Style {
    let version = client.highest.as_deref().and_then(Version::from_name);
    if version.is_some_and(|version| version >= Version::Tls12) { Style::new() } else { RED }
}

/// As people write it.
fn title(version: &str) -> &str {
    Version::from_name(version).map_or(version, |known| known.title())
}

fn clients(count: usize) -> String {
    if count == 1 { "1 client".to_owned() } else { format!("{count} clients") }
}

fn connections(count: u64) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::finding::{self, Policy};
    use crate::handshake::{CipherSuite, ClientHello, Extension, Offered};
    use crate::listen::{Guesses, Ledger, Observation, Offer, Seen};
    use crate::report::listen::Setting;

    /// Clients of ever newer versions, whose names try to do things to a terminal.
    fn report(clients: u8) -> ListenReport {
        let mut ledger = Ledger::new(100);
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        for number in 0..clients {
            let version = if number % 3 == 0 { Version::Tls10 } else { Version::Tls12 };
            let name = format!("mail{number}\u{1b}[2J\u{202e}.example.test");
            let suites = vec![CipherSuite(0xc02f), CipherSuite(0x0005)];
            let hello = ClientHello::new(version, [1; 32], suites, vec![Extension::server_name(&name)]);
            let offer = Offer::of(&Offered::Tls(hello), &Guesses::default());
            let source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number));
            ledger.record(&Observation {
                source: (source, 50_000).into(),
                local: ([192, 0, 2, 254], 443).into(),
                at,
                ehlo: None,
                seen: Seen::Hello(Box::new(offer)),
                finish: None,
            });
        }
        let setting = Setting {
            started: at,
            listening: vec!["192.0.2.254:443".to_owned()],
            manner: Manner::Refuse,
            starttls: None,
            forward: None,
        };
        let findings = finding::judge_listen(&ledger, &Policy::default());
        let end = "2026-03-01T12:03:20Z".parse().unwrap();
        ListenReport::new(&setting, &ledger, &findings, end, usize::MAX)
    }

    fn printed(act: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut octets = Vec::new();
        act(&mut octets).unwrap();
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn a_screen_fits_whatever_its_size() {
        for clients in [0, 1, 9, 40] {
            let report = report(clients);
            for (columns, lines) in [(20, 6), (40, 8), (80, 24), (200, 60)] {
                let options = Options { width: columns, ..Options::default() };
                let screen = printed(|writer| live(&report, lines, &options, writer));
                assert!(screen.lines().count() <= lines, "{clients} on {columns}×{lines}: {screen}");
                let widest = screen.lines().map(|line| Text::of(line).width()).max();
                assert!(widest <= Some(columns), "{clients} on {columns}×{lines}: {screen}");
            }
        }
        let screen = printed(|writer| live(&report(9), 10, &Options::default(), writer));
        assert!(screen.contains("9 clients, 3 without TLS 1.2"), "{screen}");
        assert!(screen.contains("… and 5 clients"), "{screen}");
        assert!(screen.lines().nth(4).unwrap().contains("TLS 1.0  no"), "the old ones first: {screen}");
    }

    #[test]
    fn the_summary_says_how_many_and_which() {
        let report = report(4);
        let summary = printed(|writer| listen(&report, &Options { width: 120, ..Options::default() }, writer));
        let first = summary.lines().next().unwrap();
        assert_eq!(first, "WARNING  192.0.2.254:443 — 2 of 4 clients in 3 minutes cannot do TLS 1.2 with a good suite");
        assert!(summary.contains("newest version  TLS 1.0: 2 clients, 2 connections; TLS 1.2: 2 clients"), "{summary}");
        assert!(summary.contains("warning  listen.old-client"), "{summary}");
        let verbose = printed(|writer| listen(&report, &Options { verbose: true, ..Options::default() }, writer));
        assert!(verbose.contains("TLS_RSA_WITH_RC4_128_SHA") && verbose.contains("t10d"), "{verbose}");
        for text in [summary, verbose] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn a_line_is_a_line() {
        let report = report(1);
        let line = printed(|writer| new_client(&report.clients[0], &Options::default(), writer));
        assert_eq!(line.lines().count(), 1);
        let name = "mail0\\x1b[2J\\u{202e}.example.test";
        let expected = format!(
            "2026-03-01T12:00:00Z  192.0.2.0  TLS 1.0  offers nothing newer than TLS 1.0; asks for {name}; weak suites: RC4; "
        );
        assert!(line.starts_with(&expected), "{line}");
    }
}
