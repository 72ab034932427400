//! The file of expectations: TOML, every key known, every value of its type.

use jiff::Timestamp;
use toml::{Table, Value};

use super::{Expectations, KeyKind, PurposeName, RootName, SignatureName, TlsVersion, UnitExpectation};
use crate::egress::{Place, Protocol};
use crate::x509::{WrittenName, extensions, signature};
use crate::{instant, spelling};

/// Entries that one list may have.
const MAX_LIST: usize = 256;

/// Every key there is.
const KEYS: [&str; 14] = [
    "root",
    "issuer",
    "subject_common_name",
    "organization",
    "organizational_unit",
    "dns_names",
    "key_algorithm",
    "key_bits_min",
    "signature_algorithm",
    "not_after_min",
    "extended_key_usage",
    "tls_version_min",
    "endpoints",
    "client_auth",
];

/// Why a text states no expectations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationError {
    /// It is no TOML.
    #[error("line {line} is no TOML: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A key that means nothing here.
    #[error("there is no fact {key:?}{}", meant(*nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// The one that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong type.
    #[error("{key} is {found}: give {wanted}")]
    Type {
        /// The key.
        key: &'static str,
        /// What to give.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value that means nothing.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// Why, and what to give.
        reason: String,
    },
    /// Nothing at all is expected.
    #[error("nothing is expected there: state at least one fact, such as root = \"Some Root CA\"")]
    Empty,
}

fn meant(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None => format!("; there are {}", KEYS.join(", ")),
    }
}

/// Parses the text of a file of expectations.
///
/// # Errors
/// [`ExpectationError`]: the first thing that is wrong with it.
pub fn parse(text: &str) -> Result<Expectations, ExpectationError> {
    let table: Table = text.trim_start_matches('\u{feff}').parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ExpectationError::Syntax {
            line: before.matches('\n').count().saturating_add(1),
            reason: error.message().replace('\n', ", "),
        }
    })?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let nearest = spelling::nearest(key, &KEYS);
        return Err(ExpectationError::UnknownKey { key: key.clone(), nearest });
    }
    let facts = Facts(&table);
    let expectations = Expectations {
        root: facts.text("root")?.map(|text| named(RootName::parse(text), "root")).transpose()?,
        issuer: facts.text("issuer")?.map(WrittenName::new),
        subject_common_name: facts.text("subject_common_name")?.map(ToOwned::to_owned),
        organization: facts.text("organization")?.map(ToOwned::to_owned),
        organizational_unit: facts.any_text("organizational_unit")?.map(|text| match text.trim() {
            "" => UnitExpectation::Absent,
            unit => UnitExpectation::Is(unit.to_owned()),
        }),
        dns_names: facts.texts("dns_names", |text| Ok(text.to_owned()))?,
        key_algorithm: facts.parsed("key_algorithm", |text| {
            KeyKind::parse(text).ok_or_else(|| format!("{text:?} is no kind of key: give RSA, EC or Ed25519"))
        })?,
        key_bits_min: facts.bits("key_bits_min")?,
        signature_algorithm: facts.parsed("signature_algorithm", signature_name)?,
        not_after_min: facts.instant("not_after_min")?,
        extended_key_usage: facts.texts("extended_key_usage", purpose_name)?,
        tls_version_min: facts.parsed("tls_version_min", |text| {
            TlsVersion::parse(text).ok_or_else(|| format!("{text:?} is no TLS version: give TLSv1.2 or TLSv1.3"))
        })?,
        endpoints: facts.texts("endpoints", endpoint)?,
        client_auth: facts.only_true("client_auth")?,
    };
    if expectations == Expectations::default() {
        return Err(ExpectationError::Empty);
    }
    Ok(expectations)
}

fn named<T>(result: Result<T, String>, key: &'static str) -> Result<T, ExpectationError> {
    result.map_err(|reason| ExpectationError::Value { key, reason })
}

fn signature_name(text: &str) -> Result<SignatureName, String> {
    let known = signature::oid_of(text).map(ToOwned::to_owned);
    let oid = known.or_else(|| dotted(text)).ok_or_else(|| {
        format!("{text:?} is no signature algorithm: give its name, such as sha256WithRSAEncryption, or its dotted OID")
    })?;
    Ok(SignatureName { oid, text: text.to_owned() })
}

fn purpose_name(text: &str) -> Result<PurposeName, String> {
    let known = extensions::purpose_oid(text).map(ToOwned::to_owned);
    let oid = known.or_else(|| dotted(text)).ok_or_else(|| {
        format!("{text:?} is no key purpose: give its name, such as serverAuth or clientAuth, or its dotted OID")
    })?;
    Ok(PurposeName { oid, text: text.to_owned() })
}

fn dotted(text: &str) -> Option<String> {
    let is_arc = |arc: &str| !arc.is_empty() && arc.bytes().all(|octet| octet.is_ascii_digit());
    (text.contains('.') && text.split('.').all(is_arc)).then(|| text.to_owned())
}

/// The table, asked for one fact after the other.
struct Facts<'a>(&'a Table);

impl<'a> Facts<'a> {
    fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.0.get(key)
    }

    fn any_text(&self, key: &'static str) -> Result<Option<&'a str>, ExpectationError> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong_type(key, "a text in quotes", value));
        self.value(key).map(text).transpose()
    }

    fn text(&self, key: &'static str) -> Result<Option<&'a str>, ExpectationError> {
        let Some(text) = self.any_text(key)? else { return Ok(None) };
        not_empty(key, text).map(Some)
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ExpectationError> {
        self.text(key)?.map(|text| named(parse(text), key)).transpose()
    }

    fn texts<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ExpectationError> {
        const WANTED: &str = "a list of texts, [\"…\", \"…\"]";
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| wrong_type(key, WANTED, value))?;
        if list.is_empty() || list.len() > MAX_LIST {
            let reason = format!("it has {} entries: name 1 to {MAX_LIST}, or leave it out", list.len());
            return Err(ExpectationError::Value { key, reason });
        }
        let entry = |value: &Value| {
            let text = value.as_str().ok_or_else(|| wrong_type(key, WANTED, value))?;
            named(parse(not_empty(key, text)?), key)
        };
        list.iter().map(entry).collect()
    }

    fn bits(&self, key: &'static str) -> Result<Option<u32>, ExpectationError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_integer().ok_or_else(|| wrong_type(key, "a number of bits, such as 2048", value))?;
        let bits = u32::try_from(number).ok().filter(|bits| (1..=65_536).contains(bits));
        named(bits.ok_or_else(|| format!("{number} is no size of a key: give a number of bits, such as 2048")), key)
            .map(Some)
    }

    /// As a text or as TOML's own date and time.
    fn instant(&self, key: &'static str) -> Result<Option<Timestamp>, ExpectationError> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Datetime(time)) => time.to_string(),
            Some(other) => return Err(wrong_type(key, "a time, such as \"2026-12-01T08:00:00Z\", or a date", other)),
        };
        named(instant::parse(&text), key).map(Some)
    }

    /// `false` could be taken for "must not be", so it is refused.
    fn only_true(&self, key: &'static str) -> Result<bool, ExpectationError> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Boolean(true)) => Ok(true),
            Some(Value::Boolean(false)) => Err(ExpectationError::Value {
                key,
                reason: "it can be true only: leave it out where it does not matter".to_owned(),
            }),
            Some(other) => Err(wrong_type(key, "true", other)),
        }
    }
}

fn not_empty<'a>(key: &'static str, text: &'a str) -> Result<&'a str, ExpectationError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        let reason = "it is empty: state the fact, or leave it out (organizational_unit alone may be empty: none)";
        return Err(ExpectationError::Value { key, reason: reason.to_owned() });
    }
    Ok(trimmed)
}

fn wrong_type(key: &'static str, wanted: &'static str, found: &Value) -> ExpectationError {
    let found = match found {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    };
    ExpectationError::Type { key, wanted, found }
}

/// A host whatever its port is asked by HTTP: any answer proves the way open.
fn endpoint(text: &str) -> Result<Place, String> {
    let place = Place::parse(text).map_err(|error| error.to_string())?;
    let protocol = if place.protocol == Protocol::Tcp { Protocol::Http } else { place.protocol };
    Ok(Place { protocol, ..place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_can_be_stated() {
        let text = r#"
            root = "GlobalSign Root CA – R1"
            issuer = "CN=Some CA, O=Some Org"
            subject_common_name = " mail.example.test "
            organization = "Some Org"
            organizational_unit = ""
            dns_names = ["mail.example.test", "*.example.test"]
            key_algorithm = "ecdsa"
            key_bits_min = 256
            signature_algorithm = "SHA256withRSA"
            not_after_min = 2027-01-01
            extended_key_usage = ["ServerAuth", "1.3.6.1.5.5.7.3.17"]
            tls_version_min = "1.2"
            endpoints = ["ocsp.example.test", "crl.example.test:8080", "https://aia.example.test/ca.cer"]
            client_auth = true
        "#;
        let facts = parse(text).unwrap();
        assert!(matches!(facts.root, Some(RootName::Named { common_name: Some("GlobalSign Root CA"), .. })));
        assert!(facts.issuer.unwrap().is_whole());
        assert_eq!(facts.subject_common_name.as_deref(), Some("mail.example.test"));
        assert_eq!(facts.organization.as_deref(), Some("Some Org"));
        assert_eq!(facts.organizational_unit, Some(UnitExpectation::Absent));
        assert_eq!(facts.dns_names, ["mail.example.test", "*.example.test"]);
        assert_eq!((facts.key_algorithm, facts.key_bits_min), (Some(KeyKind::Ec), Some(256)));
        assert_eq!(facts.signature_algorithm.unwrap().oid, "1.2.840.113549.1.1.11");
        assert_eq!(facts.not_after_min.unwrap().to_string(), "2027-01-01T00:00:00Z");
        let purposes: Vec<&str> = facts.extended_key_usage.iter().map(|purpose| purpose.oid.as_str()).collect();
        assert_eq!(purposes, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.17"]);
        assert_eq!(facts.tls_version_min, Some(TlsVersion::Tls12));
        let places: Vec<String> = facts.endpoints.iter().map(ToString::to_string).collect();
        assert_eq!(places, ["ocsp.example.test:80", "crl.example.test:8080", "aia.example.test:443"]);
        assert!(facts.client_auth);
        assert!(KEYS.iter().all(|key| text.contains(&format!("{key} = "))));
    }

    #[test]
    fn times_are_texts_or_toml_s_own() {
        for text in ["\"2027-01-01\"", "2027-01-01T00:00:00Z", "\"2027-01-01T01:00:00+01:00\"", "2027-01-01 00:00:00Z"]
        {
            let facts = parse(&format!("not_after_min = {text}")).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(facts.not_after_min.unwrap().to_string(), "2027-01-01T00:00:00Z", "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        for (text, parts) in [
            ("", &["nothing is expected"][..]),
            ("# root = \"A\"\n", &["nothing is expected"]),
            ("root = ", &["line 1", "TOML"]),
            ("root = \"A\"\nroot = \"B\"", &["line 2"]),
            ("root = \"A\"\nissuer 5", &["line 2"]),
            ("roots = \"A\"", &["\"roots\"", "did you mean root?"]),
            ("key-bits-min = 5", &["\"key-bits-min\"", "did you mean key_bits_min?"]),
            ("whatever = 1", &["\"whatever\"", "there are root, issuer"]),
            ("[expect]\nroot = \"A\"", &["\"expect\""]),
            ("root = 5", &["root is a whole number", "text in quotes"]),
            ("root = \" \"", &["root", "is empty"]),
            ("root = \"AA:BB:CC:DD:AA:BB:CC:DD:AA:BB:CC:DD:AA:BB:CC:DD\"", &["root", "32 hexadecimal digits"]),
            ("organization = [\"A\"]", &["organization is a list"]),
            ("organizational_unit = false", &["organizational_unit is true or false"]),
            ("dns_names = \"a.test\"", &["dns_names is a text", "list"]),
            ("dns_names = []", &["dns_names", "0 entries"]),
            ("dns_names = [1]", &["dns_names is a whole number"]),
            ("dns_names = [\"\"]", &["dns_names", "empty"]),
            ("key_algorithm = \"DSS\"", &["key_algorithm", "\"DSS\"", "Ed25519"]),
            ("key_bits_min = \"2048\"", &["key_bits_min is a text"]),
            ("key_bits_min = 0", &["key_bits_min", "0 is no size"]),
            ("key_bits_min = -1", &["key_bits_min"]),
            ("key_bits_min = 2048.0", &["key_bits_min is a number with a point"]),
            ("signature_algorithm = \"sha257\"", &["signature_algorithm", "sha256WithRSAEncryption"]),
            ("not_after_min = 2027", &["not_after_min is a whole number"]),
            ("not_after_min = \"soon\"", &["not_after_min", "not a time"]),
            ("not_after_min = 2027-01-01T00:00:00", &["not_after_min", "not a time"]),
            ("extended_key_usage = [\"server\"]", &["extended_key_usage", "\"server\"", "serverAuth"]),
            ("tls_version_min = 1.2", &["tls_version_min is a number with a point", "quotes"]),
            ("tls_version_min = \"SSLv3\"", &["tls_version_min", "TLSv1.2"]),
            ("endpoints = [\"a b\"]", &["endpoints", "space"]),
            ("endpoints = [\"ftp://a.test/\"]", &["endpoints", "ftp"]),
            ("client_auth = false", &["client_auth", "true only"]),
            ("client_auth = \"yes\"", &["client_auth is a text"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let many = format!("endpoints = [{}]", "\"a.test\",".repeat(MAX_LIST + 1));
        assert!(parse(&many).unwrap_err().to_string().contains("257 entries"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "(\\PC|\n){0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_value_is_taken_or_refused(key in 0..KEYS.len(), value in "\\PC{0,80}") {
            let key = KEYS[key];
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            for text in [format!("{key} = \"{quoted}\""), format!("{key} = [\"{quoted}\"]"), format!("{key} = {value}")] {
                if let Err(error) = parse(&text) {
                    proptest::prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}
