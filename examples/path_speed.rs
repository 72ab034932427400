//! How long finding and judging paths takes among decoys: intermediates of the right name, with the right key (valid
//! or expired) or with others.
//!
//!     path_speed [DECOYS [ROUNDS]]
//!
//! Prints the rows of a Markdown table. Each round searches anew; nothing is kept from one to the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use certflight::lab::ca::{self, Issued, Profile};
use certflight::lab::key::{Key, KeyKind};
use certflight::lab::offset::Offset;
use certflight::path::{self, Pool, Purpose, Question, Source, StandardJudge, TrustStore};
use certflight::x509::Certificate;
use jiff::Timestamp;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let decoys: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(41), |text| text.parse())?;
    let now = Timestamp::now();
    let days = |text: &str| -> anyhow::Result<Offset> { Ok(serde_json::from_value(text.into())?) };
    let (from, to, past) = (days("-30d")?, days("+300d")?, days("-1d")?);
    let key = || Key::new(KeyKind::default()).map(Arc::new);
    let (root_key, inner_key, leaf_key) = (key()?, key()?, key()?);
    let root_profile = Profile::authority("Root", from, to);
    let root = decoded(ca::issue(&root_profile, &root_key, None, now)?)?;
    let inner = |key: &Arc<Key>, to| {
        let profile = Profile { issuer: "Root".to_owned(), ..Profile::authority("Intermediate", from, to) };
        decoded(ca::issue(&profile, key, Some(("Root".into(), &root_key)), now)?)
    };
    let leaf_profile = Profile {
        issuer: "Intermediate".to_owned(),
        ca: false,
        names: vec!["www.certflight.test".to_owned()],
        ..Profile::authority("www.certflight.test", from, to)
    };
    let leaf = decoded(ca::issue(&leaf_profile, &leaf_key, Some(("Intermediate".into(), &inner_key)), now)?)?;
    let good = inner(&inner_key, to)?;
    let same_key = (0..decoys).map(|_| inner(&inner_key, to)).collect::<Result<Vec<_>, _>>()?;
    let expired = (0..decoys).map(|_| inner(&inner_key, past)).collect::<Result<Vec<_>, _>>()?;
    let other_keys = (0..decoys).map(|_| inner(&key()?, to)).collect::<Result<Vec<_>, _>>()?;

    println!("| a search among {decoys} decoys, {rounds} rounds | best ms | median ms | paths kept |");
    println!("|---|---|---|---|");
    let measure = |name: &str, decoys: &[Arc<Certificate>]| -> anyhow::Result<()> {
        let mut pool = Pool::default();
        pool.add(Arc::clone(&leaf), Source::Served);
        for certificate in decoys.iter().chain([&good]) {
            pool.add(Arc::clone(certificate), Source::Served);
        }
        let mut times: Vec<Duration> = Vec::new();
        let mut kept = 0;
        for _ in 0..rounds {
            let store = TrustStore::of(vec![Arc::clone(&root)], "measured");
            let started = Instant::now();
            let search = path::search(&leaf, &pool, &store, &Question::new(now, Purpose::Server), &StandardJudge);
            times.push(started.elapsed());
            ensure!(search.any_valid(), "{name}: no valid path");
            kept = search.paths.len();
        }
        times.sort();
        let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        let (best, median) = (milliseconds(times.first()), milliseconds(times.get(times.len() / 2)));
        println!("| {name} | {best:.2} | {median:.2} | {kept} |");
        Ok(())
    };
    measure("none", &[])?;
    measure("of the same key, valid", &same_key)?;
    measure("of the same key, expired", &expired)?;
    measure("of other keys", &other_keys)?;
    Ok(())
}

fn decoded(issued: Issued) -> anyhow::Result<Arc<Certificate>> {
    issued.certificate.context("the lab's certificate does not decode")
}
