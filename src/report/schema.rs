//! The JSON Schema of each report, generated from its types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::url::{URL_SCHEMA, UrlReport};
use super::{REPORT_SCHEMA, Report};

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

/// A finding's code: one of the catalogue's.
pub(super) fn code(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

pub(super) fn codes(generator: &mut SchemaGenerator) -> Schema {
    let item = code(generator);
    json_schema!({ "type": "array", "items": item })
}
