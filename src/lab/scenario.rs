//! Scenarios: what is staged, and the findings it must lead to, as data in `testdata/scenarios.toml`.
//!
//! The file's `baseline` is a sound lab; a scenario's `stage` is laid over it table by table (a value or
//! an array replaces the baseline's), after the `setting` that it names, if any. `silent.stage`, laid over the baseline
//! and the setting by itself, is the near miss that must not fire the scenario's code. In its strings `{http}`, `{https}`,
//! `{ldap}`, `{refused}` and `{silent}` stand for the ports of the lab's HTTP server, its HTTPS server, its directory, an
//! address that refuses and one that is silent; `{:http}` for a colon with the HTTP server's port, or for nothing where
//! that is 80; `{dir}` for the folder of its files.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;
use toml::{Table, Value};

use super::LabError;
use super::ca::Profile;
use super::crl::CrlProfile;
use super::dns::Zone;
use super::http::{Behaviour, Method};
use super::ocsp::OcspProfile;
use super::offset::Offset;
use super::responder::OldServer;
use super::smtp::Starttls;
use super::tls::{Manner, Version};

const BOOK: &str = include_str!("../../testdata/scenarios.toml");

/// One staged situation.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name: the finding code it stages, or words joined by hyphens.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// The subcommand it is for.
    pub command: Command,
    /// Whether it takes more than ten seconds by its nature.
    pub slow: bool,
    firing: Expectation,
    silent: Option<Expectation>,
}

/// Which of a scenario's two stagings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As the scenario says.
    Firing,
    /// The near miss.
    Silent,
}

/// Subcommand a scenario is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `check`
    #[default]
    Check,
    /// `url`
    Url,
    /// `rollover` to the target
    Rollover,
    /// `roots`
    Roots,
    /// `tls`
    Tls,
}

impl Command {
    /// As the command line spells it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Url => "url",
            Self::Rollover => "rollover",
            Self::Roots => "roots",
            Self::Tls => "tls",
        }
    }
}

/// What a staging must lead to, and how.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The code of every finding, one for each finding, informations included.
    pub fires: Vec<String>,
    /// `ok`, `warning`, `critical` or `unknown`.
    pub verdict: String,
    /// More options for the command, as typed.
    pub args: Vec<String>,
    stage: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    baseline: Table,
    #[serde(default)]
    setting: BTreeMap<String, Table>,
    scenario: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    about: String,
    #[serde(default)]
    command: Command,
    #[serde(default)]
    slow: bool,
    /// What else than the baseline is laid under the stage.
    setting: Option<String>,
    fires: Vec<String>,
    verdict: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    stage: Table,
    silent: Option<SilentEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SilentEntry {
    fires: Vec<String>,
    verdict: String,
    /// The firing variant's unless given.
    args: Option<Vec<String>>,
    #[serde(default)]
    stage: Table,
}

impl Scenario {
    /// Every scenario, in the order of the file.
    ///
    /// # Errors
    /// Never, unless the compiled-in file is wrong.
    pub fn all() -> Result<Vec<Self>, LabError> {
        let Book { baseline, setting: settings, scenario: entries } =
            toml::from_str(BOOK).map_err(|error| LabError::Stage(format!("the scenarios do not parse: {error}")))?;
        let scenario = |entry: Entry| {
            let ground = match &entry.setting {
                None => baseline.clone(),
                Some(name) => {
                    let missing = || LabError::Stage(format!("there is no setting `{name}`"));
                    staged(baseline.clone(), settings.get(name).cloned().ok_or_else(missing)?)
                }
            };
            let silent = match entry.silent {
                None => None,
                Some(silent) => Some(Expectation {
                    fires: silent.fires,
                    verdict: silent.verdict,
                    args: silent.args.unwrap_or_else(|| entry.args.clone()),
                    stage: staged(ground.clone(), silent.stage),
                }),
            };
            let firing = Expectation {
                fires: entry.fires,
                verdict: entry.verdict,
                args: entry.args,
                stage: staged(ground, entry.stage),
            };
            Ok(Self { name: entry.name, about: entry.about, command: entry.command, slow: entry.slow, silent, firing })
        };
        entries.into_iter().map(scenario).collect()
    }

    /// The scenario of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, LabError> {
        Self::all()?
            .into_iter()
            .find(|scenario| scenario.name == name)
            .ok_or_else(|| LabError::Stage(format!("there is no scenario `{name}`; demo --list names them")))
    }

    /// The finding code that it is there for; `None` where its name is none.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.name.contains('.').then_some(self.name.as_str())
    }

    /// What a variant must lead to; `None` where there is no silent one.
    #[must_use]
    pub fn expectation(&self, variant: Variant) -> Option<&Expectation> {
        match variant {
            Variant::Firing => Some(&self.firing),
            Variant::Silent => self.silent.as_ref(),
        }
    }
}

impl Expectation {
    /// Whether a placeholder stands anywhere in what is staged.
    pub(super) fn mentions(&self, placeholder: &str) -> bool {
        fn within(value: &Value, text: &str) -> bool {
            match value {
                Value::String(string) => string.contains(text),
                Value::Array(values) => values.iter().any(|value| within(value, text)),
                Value::Table(table) => table.values().any(|value| within(value, text)),
                _ => false,
            }
        }
        self.stage.values().any(|value| within(value, placeholder))
            || self.args.iter().any(|arg| arg.contains(placeholder))
    }

    /// Makes a CRL so many entries longer.
    pub(super) fn fill_crl(&mut self, name: &str, entries: u32) -> Result<(), LabError> {
        let crl = self.stage.get_mut("crl").and_then(|crls| crls.get_mut(name)).and_then(Value::as_table_mut);
        let crl = crl.ok_or_else(|| LabError::Stage(format!("the lab has no CRL `{name}`")))?;
        crl.insert("filler".to_owned(), Value::Integer(entries.into()));
        Ok(())
    }

    /// What to set up, with the placeholders filled in.
    pub(super) fn staging(&self, placeholders: &[(&str, String)]) -> Result<Staging, LabError> {
        fn fill(value: &mut Value, placeholders: &[(&str, String)]) {
            match value {
                Value::String(string) => *string = filled(string, placeholders),
                Value::Array(values) => values.iter_mut().for_each(|value| fill(value, placeholders)),
                Value::Table(table) => table.iter_mut().for_each(|(_, value)| fill(value, placeholders)),
                _ => {}
            }
        }
        let mut stage = Value::Table(self.stage.clone());
        fill(&mut stage, placeholders);
        stage.try_into().map_err(|error| LabError::Stage(format!("the staging does not fit: {error}")))
    }
}

/// The text with every placeholder replaced.
pub(super) fn filled(text: &str, placeholders: &[(&str, String)]) -> String {
    placeholders.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn staged(mut ground: Table, stage: Table) -> Table {
    lay_over(&mut ground, stage);
    ground
}

/// Lays one table over another: tables merge, everything else replaces.
fn lay_over(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Everything that a lab is made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Staging {
    /// Certificates in the trust store.
    pub(super) roots: Vec<String>,
    /// Whether those count as publicly trusted.
    #[serde(default)]
    pub(super) public_root: bool,
    /// Certificates, by the names that everything else uses.
    pub(super) certificate: BTreeMap<String, Profile>,
    /// So many more CA certificates, `ladder-0`, `ladder-1`, …, each issued by the next and the last by the root.
    #[serde(default)]
    pub(super) ladder: u8,
    /// CRLs.
    pub(super) crl: BTreeMap<String, CrlProfile>,
    /// OCSP responders.
    pub(super) ocsp: BTreeMap<String, OcspProfile>,
    /// What is served where.
    pub(super) route: BTreeMap<String, RouteStage>,
    /// Entries of the directory.
    #[serde(default)]
    pub(super) directory: BTreeMap<String, EntryStage>,
    /// The HTTP server.
    #[serde(default)]
    pub(super) web: WebStage,
    /// The name server.
    pub(super) dns: Zone,
    /// The target.
    pub(super) server: ServerStage,
    /// Files in the lab's folder.
    #[serde(default)]
    pub(super) file: BTreeMap<String, FileStage>,
    /// A file or URL that is the target instead of the server.
    pub(super) target: Option<String>,
    /// How long each server thinks before it answers, in milliseconds.
    #[serde(default)]
    pub(super) delay_ms: u64,
}

/// One route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteStage {
    /// Host and path.
    pub(super) at: String,
    /// The CRL there.
    pub(super) crl: Option<String>,
    /// The responder there.
    pub(super) ocsp: Option<String>,
    /// The certificates there.
    #[serde(default)]
    pub(super) certificates: Vec<String>,
    /// In which form.
    #[serde(default)]
    pub(super) form: Form,
    /// Text there instead.
    pub(super) text: Option<String>,
    /// How it answers.
    #[serde(default)]
    pub(super) behaviour: Behaviour,
    /// Methods it takes; none: both.
    #[serde(default)]
    pub(super) methods: Vec<Method>,
    /// How much longer it thinks than the others, in milliseconds.
    #[serde(default)]
    pub(super) delay_ms: u64,
}

impl RouteStage {
    /// A route that serves a CRL.
    pub(super) fn of_crl(at: String, crl: String) -> Self {
        Self {
            at,
            crl: Some(crl),
            ocsp: None,
            certificates: Vec::new(),
            form: Form::default(),
            text: None,
            behaviour: Behaviour::default(),
            methods: Vec::new(),
            delay_ms: 0,
        }
    }
}

/// One entry of the directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryStage {
    /// Its distinguished name.
    pub(super) name: String,
    /// Its attribute.
    pub(super) attribute: String,
    /// CRLs that are its values.
    #[serde(default)]
    pub(super) crls: Vec<String>,
    /// Certificates that are.
    #[serde(default)]
    pub(super) certificates: Vec<String>,
}

/// Form of certificates in a route or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    /// DER, one after the other.
    #[default]
    Der,
    /// PEM
    Pem,
    /// A certs-only message.
    Pkcs7,
}

/// The HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebStage {
    /// How far its clock is off.
    pub(super) date: Offset,
    /// Where it listens.
    pub(super) addresses: Vec<IpAddr>,
    /// Where its port is refused.
    pub(super) refused: Vec<IpAddr>,
    /// The certificates its HTTPS side presents; the leaf's chain unless given.
    pub(super) chain: Vec<String>,
}

impl Default for WebStage {
    fn default() -> Self {
        Self {
            date: Offset(0),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            refused: Vec::new(),
            chain: Vec::new(),
        }
    }
}

/// The target server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerStage {
    /// `https`, `smtp`, …
    pub(super) scheme: String,
    /// Its name.
    pub(super) host: String,
    /// Certificates it presents.
    pub(super) chain: Vec<String>,
    /// The responder whose answer it staples.
    pub(super) staple: Option<String>,
    /// The root whose client certificates it demands.
    pub(super) client_root: Option<String>,
    /// Ask for a client certificate, and go on without.
    #[serde(default)]
    pub(super) client_optional: bool,
    /// TLS versions; none: all.
    #[serde(default)]
    pub(super) versions: Vec<Version>,
    /// SMTP before TLS.
    pub(super) smtp: Option<Starttls>,
    /// An old server that answers in plain text stands there instead.
    pub(super) old: Option<OldServer>,
    /// Where it stands, all at one port.
    pub(super) listeners: Vec<ListenerStage>,
}

/// One address of the target server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenerStage {
    /// A loopback address.
    pub(super) address: IpAddr,
    /// Whether anything listens.
    #[serde(default)]
    pub(super) door: Door,
    /// How it answers a ClientHello.
    #[serde(default)]
    pub(super) manner: Manner,
    /// Certificates presented here instead of the server's.
    pub(super) chain: Option<Vec<String>>,
}

/// What a connection meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Door {
    /// A server.
    #[default]
    Open,
    /// RST.
    Refused,
    /// Nothing.
    Silent,
}

/// A file in the lab's folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileStage {
    /// Certificates in it.
    #[serde(default)]
    pub(super) certificates: Vec<String>,
    /// In which form.
    #[serde(default)]
    pub(super) form: Form,
    /// Text in it instead.
    pub(super) text: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read() {
        let ports = [("{http}", "80".to_owned()), ("{https}", "443".to_owned())];
        for scenario in Scenario::all().unwrap() {
            for variant in [Variant::Firing, Variant::Silent] {
                if let Some(expectation) = scenario.expectation(variant) {
                    expectation
                        .staging(&ports)
                        .unwrap_or_else(|error| panic!("{} {variant:?}: {error}", scenario.name));
                    assert!(["ok", "warning", "critical", "unknown"].contains(&expectation.verdict.as_str()));
                }
            }
        }
    }

    #[test]
    fn scenarios_named_for_a_code_fire_it_and_stay_silent() {
        let all = Scenario::all().unwrap();
        for scenario in &all {
            assert_eq!(all.iter().filter(|other| other.name == scenario.name).count(), 1, "{}", scenario.name);
            let Some(code) = scenario.code() else { continue };
            let fires = |variant| {
                scenario.expectation(variant).map(|expectation| expectation.fires.iter().any(|fired| fired == code))
            };
            assert_eq!(fires(Variant::Firing), Some(true), "{code}");
            assert_eq!(fires(Variant::Silent), Some(false), "{code}");
        }
    }

    #[test]
    fn tables_merge_and_arrays_replace() {
        let mut base: Table = toml::from_str("a = { b = 1, c = [1, 2] }\nd = 1").unwrap();
        lay_over(&mut base, toml::from_str("a = { c = [3] }\nd = { e = 2 }").unwrap());
        assert_eq!(base, toml::from_str("a = { b = 1, c = [3] }\nd = { e = 2 }").unwrap());
    }
}
