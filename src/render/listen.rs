//! The report of `listen` in its formats, and the lines that are written while it listens.

use std::io::{self, Write};

use super::{csv, human, json, ndjson};
use crate::report::listen::{Client, Connection, ListenReport};

/// `--format` of `listen`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListenFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document in the end.
    Json,
    /// One connection a line, as they come.
    Ndjson,
    /// One client a line, in the end.
    Csv,
}

/// Writes what is told in the end.
///
/// # Errors
/// Those of the writer.
pub fn listen(
    report: &ListenReport,
    format: ListenFormat,
    options: &human::Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    match format {
        ListenFormat::Human => human::listen(report, options, writer),
        ListenFormat::Json => json::write(report, writer),
        // Every connection has been told of.
        ListenFormat::Ndjson => Ok(()),
        ListenFormat::Csv => csv::write(&HEADER, report.clients.iter().map(row), writer),
    }
}

/// Writes one connection as a line of ndjson.
///
/// # Errors
/// Those of the writer.
pub fn connection(connection: &Connection, writer: &mut dyn Write) -> io::Result<()> {
    ndjson::line(connection, writer)
}

const HEADER: [&str; 15] = [
    "source",
    "server_name",
    "ehlo",
    "highest",
    "versions",
    "tls12_would_succeed",
    "why_not",
    "weaknesses",
    "weak_cipher_suites",
    "ja4",
    "client",
    "connections",
    "handshakes_completed",
    "first_seen",
    "last_seen",
];

fn row(client: &Client) -> [String; 15] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        client.source.clone(),
        text(&client.server_name),
        text(&client.ehlo),
        text(&client.highest),
        client.versions.as_ref().map(|versions| versions.join(" ")).unwrap_or_default(),
        client.tls12_would_succeed.map(|it| it.to_string()).unwrap_or_default(),
        text(&client.why_not),
        client.weaknesses.join(" "),
        client.weak_cipher_suites.join(" "),
        text(&client.ja4),
        text(&client.client),
        client.connections.to_string(),
        client.handshakes_completed.to_string(),
        client.first_seen.to_string(),
        client.last_seen.to_string(),
    ]
}
