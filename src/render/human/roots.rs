//! The trust store: the answer first where something was asked, then roots.

use std::collections::HashMap;
use std::io::{self, Write};

use super::{BOLD, DIM, GREEN, Options, RED, YELLOW, findings, phrase, quiet_line, severity_style, verdict_word};
use crate::finding::catalogue::machine;
use crate::render::text::{Page, Text};
use crate::report::roots::{Asked, Compare, Likeness, Presence, Query, Root, RootsReport, Validity};
use crate::report::{Finding, Time, Verdict};

/// As many roots that answer are shown in detail; more of them in a table.
const IN_DETAIL: usize = 3;
/// As many trusted roots of one file are told one by one.
const ONE_BY_ONE: usize = 8;

/// The whole report of `roots`.
///
/// # Errors
/// Those of the writer.
pub fn roots(report: &RootsReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    if options.quiet {
        let name = report.query.as_ref().map_or(report.store.as_str(), |query| query.text.as_str());
        return match report.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), name, &report.findings, writer),
        };
    }
    let mut page = options.page(writer);
    let by_sha256 = report.roots.iter().map(|root| (root.sha256.as_str(), root)).collect();
    let mut list = List { report, by_sha256, verbose: options.verbose, page: &mut page };
    match (&report.query, &report.compare) {
        (Some(query), compare) => {
            list.answer(query)?;
            if let Some(compare) = compare {
                list.page.blank()?;
                list.differences(compare)?;
            }
        }
        (None, Some(compare)) => list.differences(compare)?,
        (None, None) => list.all()?,
    }
    let others: Vec<Finding> =
        report.findings.iter().filter(|finding| finding.code != machine::ROOT_MISSING.as_str()).cloned().collect();
    if report.places.is_empty() && report.query.is_none() {
        // Without a store nothing stands above them.
        return others
            .iter()
            .try_for_each(|finding| findings::one(finding, &report.store, 0, options.verbose, &mut page));
    }
    findings::show(&others, &report.store, options.verbose, &mut page)
}

struct List<'a, 'w, 'p> {
    report: &'a RootsReport,
    by_sha256: HashMap<&'a str, &'a Root>,
    verbose: bool,
    page: &'p mut Page<'w>,
}

impl<'a> List<'a, '_, '_> {
    fn root(&self, sha256: &str) -> Option<&'a Root> {
        self.by_sha256.get(sha256).copied()
    }

    fn all(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.roots.is_empty() {
            return Ok(());
        }
        let roots: Vec<Row<'_>> = report.roots.iter().map(Row::of).collect();
        self.rows(&roots, 0, self.verbose)?;
        self.page.blank()?;
        let count = counted(report.roots.len());
        let mut text = Text::new().styled(BOLD, &format!("{count} in {}", store_name(&report.store)));
        if report.places.as_slice() != std::slice::from_ref(&report.store) {
            text = text.plain(&format!(", from {}", report.places.join(" and ")));
        }
        for (validity, style, words) in
            [(Validity::Expired, RED, "expired"), (Validity::NotYetValid, YELLOW, "not yet valid")]
        {
            let count = report.roots.iter().filter(|root| root.validity == validity).count();
            if count > 0 {
                text = text.plain("; ").styled(style, &format!("{count} {words}"));
            }
        }
        self.page.paragraph(&Text::new(), &text)
    }

    fn answer(&mut self, query: &Query) -> io::Result<()> {
        let (trusted, others): (Vec<&Asked>, Vec<&Asked>) =
            query.asked.iter().partition(|asked| asked.status == Presence::Trusted);
        let detailed = query.asked.len() == 1;
        for (index, asked) in others.iter().enumerate() {
            if index > 0 {
                self.page.blank()?;
            }
            self.asked(asked)?;
            self.matches(asked, detailed)?;
        }
        if !others.is_empty() && !trusted.is_empty() {
            self.page.blank()?;
        }
        if trusted.len() > ONE_BY_ONE {
            let text = Text::new().styled(GREEN.bold(), "trusted").plain(": ");
            let count = format!("{} of the {} roots in {}", trusted.len(), query.asked.len(), query.text);
            return self.page.paragraph(&text, &Text::of(&count));
        }
        for asked in trusted {
            self.asked(asked)?;
            self.matches(asked, detailed)?;
        }
        Ok(())
    }

    /// The answer in one sentence, and what to do.
    fn asked(&mut self, asked: &Asked) -> io::Result<()> {
        let (style, word) = match asked.status {
            Presence::Trusted => (GREEN, "trusted"),
            Presence::Expired if self.only_not_yet_valid(asked) => (RED, "not yet valid"),
            Presence::Expired => (RED, "expired"),
            Presence::OtherKey => (RED, "other key"),
            Presence::Absent => (RED, "absent"),
        };
        let finding = self.report.findings.iter().find(|finding| {
            finding.code == machine::ROOT_MISSING.as_str() && finding.message.starts_with(&asked.answer)
        });
        let sentence = finding.map_or(&asked.answer, |finding| &finding.message);
        let text = Text::new().styled(style.bold(), word).plain(": ").plain(sentence);
        self.page.hanging(&Text::new(), 2, &text, usize::MAX)?;
        let Some(finding) = finding else { return Ok(()) };
        self.page.paragraph(&Text::of("  → "), &Text::of(&finding.remedy))?;
        let code = Text::of("  ").styled(severity_style(finding.severity), finding.severity.word());
        self.page.line(&code.plain("  ").styled(DIM, finding.code))?;
        if self.verbose {
            self.page.block(2, &Text::new().styled(DIM, finding.reference), usize::MAX)?;
        }
        Ok(())
    }

    fn only_not_yet_valid(&self, asked: &Asked) -> bool {
        let mut matches = asked.matches.iter().filter_map(|found| self.root(&found.sha256));
        matches.all(|root| root.validity == Validity::NotYetValid)
    }

    fn matches(&mut self, asked: &Asked, detailed: bool) -> io::Result<()> {
        let rows: Vec<Row<'_>> = asked
            .matches
            .iter()
            .filter_map(|found| {
                let note = match found.likeness {
                    Likeness::OtherKey => Some("another key"),
                    Likeness::SameKey => Some("the same name and key"),
                    Likeness::Same | Likeness::Issuer | Likeness::Name | Likeness::PartOfName => None,
                };
                Some(Row { root: self.root(&found.sha256)?, note })
            })
            .collect();
        if rows.is_empty() || (!detailed && !self.verbose) {
            return Ok(());
        }
        self.page.blank()?;
        self.rows(&rows, 2, self.verbose || rows.len() <= IN_DETAIL)
    }

    fn differences(&mut self, compare: &Compare) -> io::Result<()> {
        let report = self.report;
        let list = list_name(&compare.with);
        let here: Vec<Row<'_>> = compare.only_here.iter().filter_map(|it| self.root(it)).map(Row::of).collect();
        let there: Vec<Row<'_>> = compare.only_there.iter().map(Row::of).collect();
        for (title, rows) in [(format!("Only here, not on {list}"), here), (format!("Only on {list}"), there)] {
            if !rows.is_empty() {
                self.page.line(&Text::new().styled(BOLD, &format!("{title}: {}", rows.len())))?;
                self.rows(&rows, 2, self.verbose)?;
                self.page.blank()?;
            }
        }
        if !compare.other_certificate.is_empty() {
            let title = format!("By another certificate than on {list}: {}", compare.other_certificate.len());
            self.page.line(&Text::new().styled(BOLD, &title))?;
            for other in &compare.other_certificate {
                let Some(root) = self.root(&other.here) else { continue };
                self.page.line(&Text::of("  ").plain(&root.name))?;
                for (place, root) in [("here   ", root), ("there  ", &other.there)] {
                    let text = format!("SHA-1 {}, {}", root.sha1, phrase::remaining(root.not_after, report.at));
                    self.page.paragraph(&Text::of("    ").styled(DIM, place), &Text::of(&text))?;
                }
            }
            self.page.blank()?;
        }
        let common = report.roots.len().saturating_sub(compare.only_here.len());
        let text = format!(
            "{} in {}, {common} of them on {list}, which has {} as built into this program",
            counted(report.roots.len()),
            store_name(&report.store),
            compare.listed
        );
        self.page.paragraph(&Text::new(), &Text::new().styled(BOLD, &text))
    }

    fn rows(&mut self, rows: &[Row<'_>], indent: usize, detailed: bool) -> io::Result<()> {
        if detailed {
            for (index, row) in rows.iter().enumerate() {
                if index > 0 {
                    self.page.blank()?;
                }
                self.detail(row, indent)?;
            }
            return Ok(());
        }
        let mut shared: HashMap<&str, usize> = HashMap::new();
        for row in rows {
            let count = shared.entry(&row.root.name).or_default();
            *count = count.saturating_add(1);
        }
        let is_shared = |row: &Row<'_>| shared.get(row.root.name.as_str()).is_some_and(|count| *count > 1);
        let names: Vec<Text> = rows.iter().map(|row| Text::of(&row.name(is_shared(row)))).collect();
        let untils: Vec<Text> = rows.iter().map(|row| until(row.root)).collect();
        let keys: Vec<Text> = rows.iter().map(|row| Text::of(&phrase::key(&row.root.key))).collect();
        let widest = |cells: &[Text], header: &str| cells.iter().map(Text::width).max().unwrap_or(0).max(header.len());
        let (until_width, key_width) = (widest(&untils, UNTIL), widest(&keys, KEY));
        let rest = indent + 2 + until_width + 2 + key_width + 2;
        let longest = widest(&names, NAME);
        let whole_thumbprint = self.page.width >= rest + longest.min(40) + 40;
        let digits = if whole_thumbprint { 40 } else { 8 };
        let thumbprint_width = if whole_thumbprint { 40 } else { 9 };
        let name_width = self.page.width.saturating_sub(rest + thumbprint_width).clamp(12, longest.max(12));
        let margin = Text::new().padded(indent);
        let header = margin.clone().styled(DIM, NAME).padded(indent + name_width + 2);
        let header = header.styled(DIM, UNTIL).padded(indent + name_width + 2 + until_width + 2);
        let header = header.styled(DIM, KEY).padded(rest + name_width).styled(DIM, "SHA-1");
        self.page.line(&header)?;
        for (((row, name), until), key) in rows.iter().zip(&names).zip(&untils).zip(&keys) {
            let digits: String = row.root.sha1.chars().take(digits).collect();
            let thumbprint = if whole_thumbprint { digits } else { digits + "…" };
            let line = margin.clone().then(&name.cut(name_width)).padded(indent + name_width + 2).then(until);
            let line = line.padded(indent + name_width + 2 + until_width + 2).then(key).padded(rest + name_width);
            self.page.line(&line.styled(DIM, &thumbprint))?;
        }
        Ok(())
    }

    fn detail(&mut self, row: &Row<'_>, indent: usize) -> io::Result<()> {
        let root = row.root;
        let mut title = Text::new().padded(indent).styled(BOLD, &root.name);
        if let Some(note) = row.note {
            title = title.plain(&format!(" ({note})"));
        }
        self.page.line(&title)?;
        let validity = match root.validity {
            Validity::Valid => Text::of(&phrase::remaining(root.not_after, self.report.at)),
            Validity::Expired => Text::new().styled(RED, &phrase::remaining(root.not_after, self.report.at)),
            Validity::NotYetValid => Text::new().styled(RED, "not yet valid"),
        };
        let dates = format!("{} to {}, ", phrase::date(root.not_before), phrase::date(root.not_after));
        let fields = [
            ("subject", Text::of(&root.subject)),
            ("SHA-1", Text::of(&root.sha1)),
            ("SHA-256", Text::of(&root.sha256)),
            ("serial", Text::of(&root.serial)),
            ("valid", Text::of(&dates).then(&validity)),
            ("key", Text::of(&phrase::key(&root.key))),
            ("from", Text::of(&root.origins.join(", "))),
        ];
        for (label, text) in fields {
            let label = Text::new().padded(indent + 2).styled(DIM, label).padded(indent + 11);
            self.page.paragraph(&label, &text)?;
        }
        Ok(())
    }
}

const NAME: &str = "root";
const UNTIL: &str = "until";
const KEY: &str = "key";

/// A root, and what is to be said of how it answers.
struct Row<'a> {
    root: &'a Root,
    note: Option<&'static str>,
}

impl<'a> Row<'a> {
    fn of(root: &'a Root) -> Self {
        Self { root, note: None }
    }

    /// Its name; where others have the same, with what tells them apart.
    fn name(&self, is_shared: bool) -> String {
        let name = &self.root.name;
        match phrase::unit(&self.root.subject).filter(|unit| is_shared && unit != name) {
            Some(unit) => format!("{name} ({unit})"),
            None => name.clone(),
        }
    }
}

/// The day of the end; of what is not valid, that it is not.
fn until(root: &Root) -> Text {
    let date = |time: Time| if time.0 == jiff::Timestamp::MAX { "no expiry".to_owned() } else { phrase::date(time) };
    match root.validity {
        Validity::Valid => Text::of(&date(root.not_after)),
        Validity::Expired => Text::new().styled(RED, &format!("{} expired", date(root.not_after))),
        Validity::NotYetValid => Text::new().styled(YELLOW, &format!("from {}", date(root.not_before))),
    }
}

fn counted(roots: usize) -> String {
    if roots == 1 { "1 root".to_owned() } else { format!("{roots} roots") }
}

fn store_name(label: &str) -> String {
    match label {
        "native" => "this machine's trust store".to_owned(),
        "mozilla" => list_name("mozilla"),
        label => label.to_owned(),
    }
}

fn list_name(list: &str) -> String {
    if list == "mozilla" { "Mozilla's list".to_owned() } else { list.to_owned() }
}
