//! `schema`: the JSON Schema of a report.

use super::args::{SchemaArg, SchemaArgs};
use super::{CliError, output};
use crate::finding::Verdict;
use crate::report::schema;

pub(super) fn run(args: &SchemaArgs) -> Result<Verdict, CliError> {
    let schema = match args.report {
        SchemaArg::Report => schema::report(),
        SchemaArg::Url => schema::url(),
        SchemaArg::Endpoints => schema::endpoints(),
        SchemaArg::Rollover => schema::rollover(),
        SchemaArg::Roots => schema::roots(),
        SchemaArg::Tls => schema::tls(),
        SchemaArg::Listen => schema::listen(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::new(error.to_string()))?;
    output::print(&format!("{text}\n"))?;
    Ok(Verdict::Ok)
}
