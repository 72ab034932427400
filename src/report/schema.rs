//! The JSON Schema of each report, generated from its types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::endpoints::{ENDPOINTS_SCHEMA, EndpointsReport};
use super::listen::{Document, LISTEN_SCHEMA};
use super::rollover::{ROLLOVER_SCHEMA, RolloverReport};
use super::roots::{ROOTS_SCHEMA, RootsReport};
use super::tls::{TLS_SCHEMA, TlsReport};
use super::url::{URL_SCHEMA, UrlReport};
use super::{REPORT_SCHEMA, Report};
use crate::finding::catalogue;

/// JSON Schema (draft 2020-12) of `certflight/report/1`.
#[must_use]
pub fn report() -> Schema {
    schema_of::<Report>(REPORT_SCHEMA, "what certflight check found, for every target")
}

/// JSON Schema (draft 2020-12) of `certflight/url/1`.
#[must_use]
pub fn url() -> Schema {
    schema_of::<UrlReport>(URL_SCHEMA, "what certflight url found at each URL")
}

/// JSON Schema (draft 2020-12) of `certflight/endpoints/1`.
#[must_use]
pub fn endpoints() -> Schema {
    schema_of::<EndpointsReport>(
        ENDPOINTS_SCHEMA,
        "what has to be open for chains to validate, by certflight endpoints",
    )
}

/// JSON Schema (draft 2020-12) of `certflight/rollover/1`.
#[must_use]
pub fn rollover() -> Schema {
    schema_of::<RolloverReport>(ROLLOVER_SCHEMA, "an old chain against a new one, by certflight rollover")
}

/// JSON Schema (draft 2020-12) of `certflight/roots/1`.
#[must_use]
pub fn roots() -> Schema {
    schema_of::<RootsReport>(
        ROOTS_SCHEMA,
        "the roots of a trust store, and what certflight roots found of those asked for",
    )
}

/// JSON Schema (draft 2020-12) of `certflight/tls/1`.
#[must_use]
pub fn tls() -> Schema {
    schema_of::<TlsReport>(TLS_SCHEMA, "what of TLS servers take and which clients can connect, by certflight tls")
}

/// JSON Schema (draft 2020-12) of `certflight/listen/1`.
#[must_use]
pub fn listen() -> Schema {
    schema_of::<Document>(
        LISTEN_SCHEMA,
        "which clients connected to certflight listen and what they offer: the summary, or one connection (a line of ndjson)",
    )
}

/// As it is serialised, not as it would be read: fields that may be `null` are there all the same.
fn schema_of<T: JsonSchema>(title: &str, description: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), description.into());
    schema
}

pub(super) fn report_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": REPORT_SCHEMA })
}

pub(super) fn url_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": URL_SCHEMA })
}

pub(super) fn endpoints_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": ENDPOINTS_SCHEMA })
}

pub(super) fn rollover_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": ROLLOVER_SCHEMA })
}

pub(super) fn roots_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": ROOTS_SCHEMA })
}

pub(super) fn tls_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": TLS_SCHEMA })
}

pub(super) fn listen_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": LISTEN_SCHEMA })
}

pub(super) fn summary_record(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": "summary" })
}

pub(super) fn connection_record(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": "connection" })
}

/// A finding's code: one of the catalogue's.
pub(super) fn code(_: &mut SchemaGenerator) -> Schema {
    let codes: Vec<&str> = catalogue::all().map(|entry| entry.code.as_str()).collect();
    json_schema!({ "type": "string", "enum": codes })
}

pub(super) fn codes(generator: &mut SchemaGenerator) -> Schema {
    let item = code(generator);
    json_schema!({ "type": "array", "items": item })
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::report::sample;

    fn validate(schema: &Schema, report: &impl Serialize) -> Value {
        let schema = serde_json::to_value(schema).unwrap();
        let value = serde_json::to_value(report).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        value
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn reports_are_valid_by_their_schema() {
        let targets = vec![sample::silent_crl(), sample::clean(), sample::hostile()];
        let value = validate(&report(), &sample::report(targets));
        assert_eq!(value["schema"], "certflight/report/1");
        validate(&url(), &sample::url_report());
        validate(&roots(), &sample::roots_report());
    }

    #[test]
    fn schemas_say_what_they_are_and_refuse_what_is_missing() {
        let schema = serde_json::to_value(report()).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], "certflight/report/1");
        let mut value = serde_json::to_value(sample::report(vec![sample::clean()])).unwrap();
        value["targets"][0]["connections"][0].as_object_mut().unwrap().remove("detail");
        assert!(!jsonschema::draft202012::new(&schema).unwrap().is_valid(&value), "a null that is left out");
    }

    #[test]
    fn fields_stand_in_the_published_order() {
        let value = serde_json::to_value(sample::report(vec![sample::silent_crl()])).unwrap();
        assert_eq!(keys(&value), ["schema", "tool", "started", "finished", "verdict", "summary", "targets"]);
        let target = &value["targets"][0];
        assert_eq!(
            keys(target),
            [
                "target",
                "verdict",
                "elapsed_ms",
                "at",
                "revocation_at",
                "connections",
                "certificates",
                "paths",
                "endpoints",
                "revocation",
                "findings"
            ]
        );
        assert_eq!(
            keys(&target["connections"][0]),
            ["address", "outcome", "detail", "tls", "timings", "served", "stapled_ocsp"]
        );
        assert_eq!(
            keys(&target["certificates"][0]),
            [
                "sha256",
                "sha1",
                "role",
                "source",
                "subject",
                "issuer",
                "serial",
                "not_before",
                "not_after",
                "key",
                "signature_algorithm",
                "subject_alt_names",
                "extended_key_usage",
                "crl_urls",
                "ocsp_urls",
                "ca_issuers_urls",
                "must_staple",
                "pem"
            ]
        );
        assert_eq!(target["findings"][0]["about"], json!({ "kind": "certificate", "sha256": sample::digest(2) }));
        assert_eq!(target["endpoints"][1]["kind"], "ocsp");
        assert_eq!(target["endpoints"][0]["attempts"][0]["outcome"], "timeout");
        assert_eq!(target["certificates"][2]["source"], "trust-store");
        assert_eq!(target["connections"][0]["timings"]["starttls_ms"], Value::Null);
        assert_eq!(target["endpoints"][3]["content"]["this_update"], "2026-03-01T00:00:00Z");
    }

    #[test]
    fn durations_are_rounded_to_microseconds() {
        let duration = std::time::Duration::from_nanos(41_234_567);
        assert_eq!(crate::report::milliseconds(duration).to_string(), "41.235");
    }
}
