//! How long reading, verifying and searching a large CRL takes, beside SHA-256 alone over its octets.
//!
//!     crl_speed [ENTRIES [ROUNDS]]
//!
//! Prints two rows of a Markdown table and the quotient. The two are measured in turns, so that a
//! disturbance meets both.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest;
use certflight::lab::crl::large;
use certflight::x509::certificate::Serial;
use certflight::x509::crl::CrlReader;
use jiff::Timestamp;

/// Octets handed to the reader at a time, about what a socket gives.
const CHUNK: usize = 256 << 10;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let entries: u32 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(41), |text| text.parse())?;
    let (issuer, octets) = large(entries, Timestamp::now())?;
    let issuer = issuer.certificate.context("the lab's CA does not decode")?;
    let wanted = [Serial(issuer.serial.0.clone())];
    let mut hashing = Vec::new();
    let mut reading = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        std::hint::black_box(digest::digest(&digest::SHA256, &octets));
        hashing.push(started.elapsed());

        let started = Instant::now();
        let mut reader = CrlReader::new(&wanted);
        for chunk in octets.chunks(CHUNK) {
            reader.push(chunk)?;
        }
        let crl = reader.finish()?;
        crl.verify(&issuer.key)?;
        reading.push(started.elapsed());
        ensure!(crl.entries == u64::from(entries) && crl.found.is_empty(), "not all of the CRL was read");
    }
    let (hash_best, hash_median) = summary(hashing).context("no rounds")?;
    let (read_best, read_median) = summary(reading).context("no rounds")?;
    println!("| {entries} entries, {:.1} MB, {rounds} rounds | best ms | median ms |", megabytes(octets.len()));
    println!("|---|---|---|");
    println!("| SHA-256 alone | {:.1} | {:.1} |", milliseconds(hash_best), milliseconds(hash_median));
    println!("| read, verified and searched | {:.1} | {:.1} |", milliseconds(read_best), milliseconds(read_median));
    println!(
        "| times SHA-256 | {:.2} | {:.2} |",
        read_best.as_secs_f64() / hash_best.as_secs_f64(),
        read_median.as_secs_f64() / hash_median.as_secs_f64()
    );
    Ok(())
}

/// The shortest and the middle one.
fn summary(mut times: Vec<Duration>) -> Option<(Duration, Duration)> {
    times.sort();
    Some((*times.first()?, *times.get(times.len() / 2)?))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(octets: usize) -> f64 {
    octets as f64 / 1e6
}
